resource "tenancy_workspace_domain" "acme" {
  name = "${var.prefix}-acme"
}

resource "tenancy_tenant_project" "web" {
  name      = "${var.prefix}-web"
  domain_id = tenancy_workspace_domain.acme.id
}

resource "tenancy_project_group_binding" "users" {
  project_id = tenancy_tenant_project.web.id
  group = {
    name      = "${var.prefix}-web-people"
    domain_id = tenancy_workspace_domain.acme.id
  }
  # By id this time: it is the same role.
  roles = [data.tenancy_role.member.id, "creator"]
}

data "tenancy_role" "member" {
  name = "member"
}
