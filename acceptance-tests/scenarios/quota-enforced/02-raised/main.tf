resource "tenancy_tenant_project" "web" {
  name       = "${var.prefix}-web"
  on_destroy = "purge"
}

resource "tenancy_quota_set" "web" {
  project_id         = tenancy_tenant_project.web.id
  compute            = { cores = 2, instances = 5 }
  block_storage      = { volumes = 1 }
  network            = { networks = 2 }
  load_balancer      = { load_balancers = -1 }
  dns                = { zones = 1 }
  shared_file_system = { shares = 1 }
  key_manager        = { secrets = -1 }
  object_storage     = { bytes = -1 }
  image              = { image_count_total = 2 }
}
