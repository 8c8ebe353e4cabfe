resource "tenancy_workspace_domain" "acme" {
  name = "${var.prefix}-acme"
}

resource "tenancy_tenant_project" "top" {
  name      = "${var.prefix}-top"
  domain_id = tenancy_workspace_domain.acme.id
}

resource "tenancy_tenant_project" "middle" {
  name      = "${var.prefix}-middle"
  domain_id = tenancy_workspace_domain.acme.id
  parent_id = tenancy_tenant_project.top.id
}

resource "tenancy_tenant_project" "bottom" {
  name      = "${var.prefix}-bottom"
  domain_id = tenancy_workspace_domain.acme.id
  parent_id = tenancy_tenant_project.middle.id
}
