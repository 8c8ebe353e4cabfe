resource "tenancy_tenant_project" "disable" {
  name       = "${var.prefix}-disable"
  on_destroy = "disable"
}

resource "tenancy_tenant_project" "disable_immutable" {
  name       = "${var.prefix}-immutable"
  on_destroy = "disable"
  immutable  = true
}

resource "tenancy_tenant_project" "keep" {
  name       = "${var.prefix}-keep"
  on_destroy = "keep"
}

resource "tenancy_tenant_project" "delete" {
  name       = "${var.prefix}-delete"
  on_destroy = "delete"
}

resource "tenancy_workspace_domain" "disable" {
  name       = "${var.prefix}-disable"
  on_destroy = "disable"
}

resource "tenancy_workspace_domain" "keep" {
  name       = "${var.prefix}-keep"
  on_destroy = "keep"
}

resource "tenancy_workspace_domain" "delete" {
  name       = "${var.prefix}-delete"
  on_destroy = "delete"
}

resource "tenancy_workspace_domain" "refuse" {
  name = "${var.prefix}-refuse"
}
