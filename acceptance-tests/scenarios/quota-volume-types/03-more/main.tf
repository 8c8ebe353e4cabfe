resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-web"
}

resource "tenancy_quota_set" "web" {
  project_id = tenancy_tenant_project.web.id
  block_storage = {
    gigabytes = 2000
    volume_types = {
      "${var.prefix}-ssd" = { gigabytes = 400, volumes = 40, snapshots = 0 }
      "${var.prefix}-hdd" = { gigabytes = -1, volumes = 4 }
    }
  }
}
