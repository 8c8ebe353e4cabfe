resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-web"
}

resource "tenancy_quota_set" "web" {
  project_id    = tenancy_tenant_project.web.id
  compute       = { cores = 5 }
  block_storage = { volumes = 5 }
  network       = { networks = 5 }
}
