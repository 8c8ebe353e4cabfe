resource "tenancy_workspace_domain" "acme" {
  name = "${var.prefix}-acme"
}

resource "tenancy_tenant_project" "web" {
  name      = "${var.prefix}-web"
  domain_id = tenancy_workspace_domain.acme.id
}
resource "tenancy_tenant_project" "lost" {
  name      = "${var.prefix}-lost"
  domain_id = tenancy_workspace_domain.acme.id
}

resource "tenancy_project_group_binding" "lost" {
  project_id = tenancy_tenant_project.lost.id
  group      = { name = "${var.prefix}-lost", domain_id = tenancy_workspace_domain.acme.id }
  roles      = ["member"]
}
