resource "tenancy_workspace_domain" "acme" {
  name        = "${var.prefix}-acme2"
  description = ""
  tags        = ["other"]
  enabled     = false
  on_destroy  = "delete"
}

resource "tenancy_workspace_domain" "plain" {
  name = "${var.prefix}-plain"
  tags = ["new"]
}
