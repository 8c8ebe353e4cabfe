resource "tenancy_tenant_project" "web" {
  name      = "${var.prefix}-web"
  domain_id = "0123456789abcdef0123456789abcdef"
}
