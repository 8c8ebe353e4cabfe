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

resource "tenancy_workspace_domain" "again" {
  name = "${var.prefix}-acme"
}

resource "tenancy_tenant_project" "again" {
  name      = "${var.prefix}-web"
  domain_id = var.domain
}

# By names the binding owns the group.
resource "tenancy_project_group_binding" "again" {
  project_id = var.project
  group      = { name = "${var.prefix}-web-users", domain_id = var.domain }
  roles      = ["member"]
  members    = ["${var.prefix}-jane"]
}
