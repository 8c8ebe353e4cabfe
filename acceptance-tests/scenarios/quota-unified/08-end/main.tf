resource "tenancy_tenant_project" "web" {
  name       = "${var.prefix}-web"
  on_destroy = "purge"
}

resource "tenancy_quota_set" "web" {
  project_id = tenancy_tenant_project.web.id
  compute    = { cores = 0, ram_mib = 100, instances = -1 }
}
