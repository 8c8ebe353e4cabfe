resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-web"
}

import {
  to = tenancy_quota_defaults.region
  id = "default"
}

resource "tenancy_quota_defaults" "region" {
  compute    = { server_group_members = 10 }
  on_destroy = "restore"
}
