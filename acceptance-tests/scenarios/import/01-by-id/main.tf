variable "domain" {
  type = string
}

variable "project" {
  type = string
}

variable "group" {
  type = string
}

import {
  to = tenancy_workspace_domain.acme
  id = var.domain
}

import {
  to = tenancy_tenant_project.web
  id = var.project
}

import {
  to = tenancy_project_group_binding.users
  id = "${var.project}/${var.group}"
}

resource "tenancy_workspace_domain" "acme" {
  name = "${var.prefix}-acme"
}

resource "tenancy_tenant_project" "web" {
  name       = "${var.prefix}-web"
  domain_id  = tenancy_workspace_domain.acme.id
  tags       = ["prod"]
  properties = { colour = "red" }
}

# By ids the group stays somebody else's.
resource "tenancy_project_group_binding" "users" {
  project_id = tenancy_tenant_project.web.id
  group_id   = var.group
  roles      = ["member"]
  members    = ["${var.prefix}-jane"]
}
