variable "group" {
  type = string
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
