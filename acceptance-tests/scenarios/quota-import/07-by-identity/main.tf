resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-web"
}

import {
  to = tenancy_quota_set.again
  id = tenancy_tenant_project.web.id
}

resource "tenancy_quota_set" "again" {
  project_id = tenancy_tenant_project.web.id
}
