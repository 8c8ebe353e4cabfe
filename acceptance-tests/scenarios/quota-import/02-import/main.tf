resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-web"
}

import {
  to = tenancy_quota_set.web
  id = "default/${var.prefix}-web"
}

resource "tenancy_quota_set" "web" {
  project_id    = tenancy_tenant_project.web.id
  compute       = { cores = 7 }
  block_storage = { volume_types = { __DEFAULT__ = { volumes = 2 } } }
}
