resource "tenancy_workspace_domain" "acme" {
  name = "${var.prefix}-acme"
}

resource "tenancy_tenant_project" "web" {
  name        = "${var.prefix}-web"
  domain_id   = tenancy_workspace_domain.acme.id
  description = "The shop"
  tags        = ["prod", "shop"]
  properties  = { "egi.VO" = "vo.example", team = jsonencode(["jane", "joe"]) }
}

# Only what must be said: everything else comes from Keystone.
resource "tenancy_tenant_project" "plain" {
  name = "${var.prefix}-plain"
}

output "project" {
  value = tenancy_tenant_project.web.id
}
