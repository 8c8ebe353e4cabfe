resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-web"
}

resource "tenancy_project_group_binding" "users" {
  project_id = tenancy_tenant_project.web.id
  group      = { name = "${var.prefix}-web-users" }
  roles      = ["member"]
  members    = ["${var.prefix}-jane", "${var.prefix}-never"]
}
