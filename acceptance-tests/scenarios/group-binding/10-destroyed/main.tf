resource "tenancy_workspace_domain" "acme" {
  name = "${var.prefix}-acme"
}
