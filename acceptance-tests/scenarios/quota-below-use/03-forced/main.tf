resource "tenancy_tenant_project" "web" {
  name       = "${var.prefix}-web"
  on_destroy = "purge"
}

resource "tenancy_quota_set" "web" {
  project_id    = tenancy_tenant_project.web.id
  compute       = { instances = 0, cores = 5 }
  block_storage = { gigabytes = 2 }
  network       = { networks = 1, subnets = 0 }
  dns           = { zones = 0 }
  force         = true
}
