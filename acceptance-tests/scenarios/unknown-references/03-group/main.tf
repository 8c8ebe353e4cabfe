resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-web"
}

resource "tenancy_project_group_binding" "users" {
  project_id = tenancy_tenant_project.web.id
  group_id   = "0123456789abcdef0123456789abcdef"
  roles      = ["reader"]
}
