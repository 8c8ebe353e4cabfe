variable "project" {
  type = string
}

variable "group" {
  type = string
}

import {
  to       = tenancy_tenant_project.web
  identity = { id = var.project }
}

import {
  to       = tenancy_project_group_binding.users
  identity = { project_id = var.project, group_id = var.group }
}

import {
  to       = tenancy_quota_set.web
  identity = { project_id = var.project }
}

resource "tenancy_workspace_domain" "acme" {
  name       = "${var.prefix}-acme"
  on_destroy = "delete"
}

resource "tenancy_tenant_project" "web" {
  name      = "${var.prefix}-web"
  domain_id = tenancy_workspace_domain.acme.id
}

resource "tenancy_project_group_binding" "users" {
  project_id = tenancy_tenant_project.web.id
  group_id   = var.group
  roles      = ["member"]
}

resource "tenancy_quota_set" "web" {
  project_id = tenancy_tenant_project.web.id
}
