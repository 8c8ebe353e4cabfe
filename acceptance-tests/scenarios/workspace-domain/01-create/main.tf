resource "tenancy_workspace_domain" "acme" {
  name        = "${var.prefix}-acme"
  description = "Workspace acme"
  tags        = ["workspace", "vo:äß=1"]
}

resource "tenancy_workspace_domain" "plain" {
  name = "${var.prefix}-plain"
}
