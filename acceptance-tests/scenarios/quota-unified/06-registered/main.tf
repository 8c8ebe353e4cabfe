resource "tenancy_tenant_project" "web" {
  name       = "${var.prefix}-web"
  on_destroy = "purge"
}

resource "tenancy_quota_set" "web" {
  project_id = tenancy_tenant_project.web.id
  compute    = { cores = 0, ram_mib = 100, instances = -1 }
}

resource "tenancy_quota_set" "custom" {
  project_id = tenancy_tenant_project.web.id
  extra      = { compute = { "class:CUSTOM_${var.prefix}" = 5, "class:DISK_GB" = 60 } }

  depends_on = [tenancy_quota_defaults.region]
}

resource "tenancy_quota_defaults" "region" {
  compute = { server_groups = 11 }
  extra   = { compute = { "class:CUSTOM_${var.prefix}" = 7 } }
}
