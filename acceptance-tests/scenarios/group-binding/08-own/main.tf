resource "tenancy_workspace_domain" "acme" {
  name = "${var.prefix}-acme"
}

resource "tenancy_tenant_project" "web" {
  name      = "${var.prefix}-web"
  domain_id = tenancy_workspace_domain.acme.id
}

resource "tenancy_tenant_project" "mail" {
  name      = "${var.prefix}-mail"
  domain_id = tenancy_workspace_domain.acme.id
}

variable "staff" {
  type = string
}

resource "tenancy_project_group_binding" "users" {
  project_id = tenancy_tenant_project.mail.id
  group      = { name = "${var.prefix}-crew" }
  roles      = ["member"]
  members    = ["${var.prefix}-jane"]
}

resource "tenancy_project_group_binding" "readers" {
  project_id = tenancy_tenant_project.mail.id
  group_id   = var.staff
  roles      = ["reader"]
}
