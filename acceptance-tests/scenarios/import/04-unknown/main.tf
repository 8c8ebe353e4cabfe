import {
  to = tenancy_tenant_project.missing
  id = "${var.prefix}-acme/${var.prefix}-nothing"
}

import {
  to = tenancy_project_group_binding.odd
  id = "what/is/this/thing"
}

resource "tenancy_tenant_project" "missing" {
  name = "${var.prefix}-nothing"
}

resource "tenancy_project_group_binding" "odd" {
  system   = true
  group_id = "x"
  roles    = ["reader"]
}
