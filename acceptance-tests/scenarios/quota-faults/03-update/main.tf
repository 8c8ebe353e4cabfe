resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-web"
}

resource "tenancy_quota_set" "web" {
  project_id    = tenancy_tenant_project.web.id
  compute       = { cores = 6 }
  block_storage = { volumes = 6, snapshots = 6 }
  network       = { networks = 6 }
}
