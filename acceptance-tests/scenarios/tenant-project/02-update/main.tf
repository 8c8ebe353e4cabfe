resource "tenancy_workspace_domain" "acme" {
  name = "${var.prefix}-acme"
}

resource "tenancy_tenant_project" "web" {
  name        = "${var.prefix}-web"
  domain_id   = tenancy_workspace_domain.acme.id
  description = "The old shop"
  tags        = ["prod"]
  properties  = { "egi.VO" = "vo2.example" }
  enabled     = false
  on_destroy  = "delete"
}

resource "tenancy_tenant_project" "plain" {
  name        = "${var.prefix}-plain"
  description = ""
  tags        = []
}
