resource "tenancy_workspace_domain" "acme" {
  name        = "${var.prefix}-acme"
  description = "one"
  tags        = ["a"]
  immutable   = true
}

resource "tenancy_tenant_project" "web" {
  name        = "${var.prefix}-web"
  description = "one"
  tags        = ["a"]
  immutable   = true
}
