resource "tenancy_workspace_domain" "acme" {
  name = "${var.prefix}-acme"
}

resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-web"
}

resource "tenancy_tenant_project" "other" {
  name = "${var.prefix}-other"
}

resource "tenancy_project_group_binding" "users" {
  project_id = tenancy_tenant_project.other.id
  group      = { name = "${var.prefix}-users" }
  roles      = ["reader"]
}
