locals {
  rules = [{
    local  = [{ user = { name = "{0}" } }, { projects = [{ name = "shop", roles = [{ name = "member" }], domain = { id = "default" } }] }]
    remote = [{ type = "HTTP_OIDC_SUB" }]
  }]
}

resource "tenancy_federation_mapping" "hcl" {
  id             = "${var.prefix}-hcl"
  schema_version = "2.0"
  rules          = local.rules
}

resource "tenancy_federation_mapping" "json" {
  id             = "${var.prefix}-json-2"
  schema_version = "3.0"
  rules          = jsonencode(local.rules)
}
