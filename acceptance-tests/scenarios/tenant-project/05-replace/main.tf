resource "tenancy_workspace_domain" "acme" {
  name = "${var.prefix}-acme"
}

resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-WEB"
}

resource "tenancy_tenant_project" "plain" {
  name      = "${var.prefix}-pläin"
  domain_id = tenancy_workspace_domain.acme.id
}
