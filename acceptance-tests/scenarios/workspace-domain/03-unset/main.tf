resource "tenancy_workspace_domain" "acme" {
  name = "${var.prefix}-acme2"
}

resource "tenancy_workspace_domain" "plain" {
  name = "${var.prefix}-plain"
  tags = []
}
