resource "tenancy_workspace_domain" "refuse" {
  name       = "${var.prefix}-refuse"
  on_destroy = "delete"
}

resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-web"
}
