resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-web"
}

resource "tenancy_quota_set" "web" {
  project_id = tenancy_tenant_project.web.id
  block_storage = {
    volume_types = {
      "${var.prefix}-ssd" = { gigabytes = 500 }
    }
  }
}
