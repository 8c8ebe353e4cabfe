resource "tenancy_workspace_domain" "acme" {
  name = "${var.prefix}-acme"
}

resource "tenancy_tenant_project" "web" {
  name      = "${var.prefix}-web"
  domain_id = tenancy_workspace_domain.acme.id
}

resource "tenancy_project_group_binding" "users" {
  project_id = tenancy_tenant_project.web.id
  group      = { name = "${var.prefix}-web-users", domain_id = tenancy_workspace_domain.acme.id }
  roles      = ["member", "reader"]
  members    = ["${var.prefix}-jane", "${var.prefix}-joe"]
}
