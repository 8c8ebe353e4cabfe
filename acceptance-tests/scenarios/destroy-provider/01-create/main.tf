resource "tenancy_workspace_domain" "users" {
  name = "${var.prefix}-users"
}
