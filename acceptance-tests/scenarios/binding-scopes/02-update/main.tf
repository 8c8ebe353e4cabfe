variable "group" {
  type = string
}

resource "tenancy_workspace_domain" "acme" {
  name = "${var.prefix}-acme"
}

resource "tenancy_tenant_project" "web" {
  name      = "${var.prefix}-web"
  domain_id = tenancy_workspace_domain.acme.id
}

resource "tenancy_project_group_binding" "project" {
  project_id = tenancy_tenant_project.web.id
  group_id   = var.group
  roles      = ["member", "creator"]
}

resource "tenancy_project_group_binding" "below_the_project" {
  project_id = tenancy_tenant_project.web.id
  group_id   = var.group
  roles      = ["reader"]
  inherited  = true
}

resource "tenancy_project_group_binding" "domain" {
  domain_id = tenancy_workspace_domain.acme.id
  group_id  = var.group
  roles     = ["reader"]
}

resource "tenancy_project_group_binding" "below_the_domain" {
  domain_id = tenancy_workspace_domain.acme.id
  group_id  = var.group
  roles     = ["reader"]
  inherited = true
}

resource "tenancy_project_group_binding" "system" {
  system   = true
  group_id = var.group
  roles    = ["reader"]
}
