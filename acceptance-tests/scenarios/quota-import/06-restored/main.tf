resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-web"
}
