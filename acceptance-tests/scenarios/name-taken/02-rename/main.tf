resource "tenancy_tenant_project" "other" {
  name = "${var.prefix}-WEB"
}
