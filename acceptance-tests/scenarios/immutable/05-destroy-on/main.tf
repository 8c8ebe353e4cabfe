resource "tenancy_workspace_domain" "acme" {
  name        = "${var.prefix}-acme"
  description = "three"
  tags        = ["b"]
  immutable   = true
}

resource "tenancy_tenant_project" "web" {
  name        = "${var.prefix}-web"
  description = "three"
  tags        = ["b"]
  immutable   = true
}
