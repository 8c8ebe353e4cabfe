locals {
  rules = [{
    local  = [{ user = { name = "{0}" } }, { projects = [{ name = "shop", roles = [{ name = "member" }], domain = { id = "default" } }] }]
    remote = [{ type = "HTTP_OIDC_SUB" }]
  }]
}

removed {
  from = tenancy_federation_mapping.hcl
  lifecycle {
    destroy = false
  }
}

removed {
  from = tenancy_federation_mapping.json
  lifecycle {
    destroy = false
  }
}

import {
  to = tenancy_federation_mapping.again
  id = "${var.prefix}-hcl"
}

import {
  to = tenancy_federation_mapping.other
  id = "${var.prefix}-json-2"
}

resource "tenancy_federation_mapping" "again" {
  id             = "${var.prefix}-hcl"
  schema_version = "2.0"
  rules          = jsonencode(local.rules)
}

resource "tenancy_federation_mapping" "other" {
  id             = "${var.prefix}-json-2"
  schema_version = "3.0"
  rules          = local.rules
}
