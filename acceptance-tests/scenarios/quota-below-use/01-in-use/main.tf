resource "tenancy_tenant_project" "web" {
  name       = "${var.prefix}-web"
  on_destroy = "purge"
}
