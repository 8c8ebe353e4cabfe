resource "tenancy_tenant_project" "web" {
  name       = "${var.prefix}-web"
  on_destroy = "purge"
}

resource "tenancy_quota_set" "web" {
  project_id         = tenancy_tenant_project.web.id
  compute            = { cores = 1, instances = 5 }
  block_storage      = { volumes = 0 }
  network            = { networks = 1 }
  load_balancer      = { load_balancers = 0 }
  dns                = { zones = 0 }
  shared_file_system = { shares = 0 }
  key_manager        = { secrets = 1 }
  object_storage     = { bytes = 10 }
  image              = { image_count_total = 1 }
}
