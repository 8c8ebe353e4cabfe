resource "tenancy_tenant_project" "mine" {
  name = "${var.prefix}-mine"
}
