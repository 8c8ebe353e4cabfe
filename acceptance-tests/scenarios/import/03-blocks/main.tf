variable "domain" {
  type = string
}

variable "project" {
  type = string
}

variable "group" {
  type = string
}

removed {
  from = tenancy_workspace_domain.again
  lifecycle {
    destroy = false
  }
}

removed {
  from = tenancy_tenant_project.again
  lifecycle {
    destroy = false
  }
}

removed {
  from = tenancy_project_group_binding.again
  lifecycle {
    destroy = false
  }
}

removed {
  from = tenancy_workspace_domain.acme
  lifecycle {
    destroy = false
  }
}

removed {
  from = tenancy_tenant_project.web
  lifecycle {
    destroy = false
  }
}

removed {
  from = tenancy_project_group_binding.users
  lifecycle {
    destroy = false
  }
}

import {
  to = tenancy_workspace_domain.third
  id = "${var.prefix}-acme"
}

import {
  to = tenancy_tenant_project.third
  id = "${var.domain}/${var.prefix}-web"
}

import {
  to = tenancy_project_group_binding.third
  id = "${var.prefix}-acme/${var.prefix}-web/${var.prefix}-web-users"
}

import {
  to = tenancy_project_group_binding.domain
  id = "domain:${var.prefix}-acme/${var.group}"
}

resource "tenancy_workspace_domain" "third" {
  name       = "${var.prefix}-acme"
  on_destroy = "delete"
}

resource "tenancy_tenant_project" "third" {
  name      = "${var.prefix}-web"
  domain_id = tenancy_workspace_domain.third.id
}

resource "tenancy_project_group_binding" "third" {
  project_id = tenancy_tenant_project.third.id
  group      = { name = "${var.prefix}-web-users", domain_id = tenancy_workspace_domain.third.id }
  roles      = ["member"]
  members    = ["${var.prefix}-jane"]
}

resource "tenancy_project_group_binding" "domain" {
  domain_id = tenancy_workspace_domain.third.id
  group_id  = var.group
  roles     = ["reader"]
}
