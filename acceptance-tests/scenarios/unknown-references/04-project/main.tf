resource "tenancy_project_group_binding" "users" {
  project_id = "0123456789abcdef0123456789abcdef"
  group      = { name = "${var.prefix}-web-users" }
  roles      = ["reader"]
}
