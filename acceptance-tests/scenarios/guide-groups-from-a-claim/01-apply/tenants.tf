locals {
  tenants = toset(["web", "mail"])
}

resource "tenancy_workspace_domain" "this" {
  name = var.workspace
}

resource "tenancy_tenant_project" "this" {
  for_each  = local.tenants
  name      = each.key
  domain_id = tenancy_workspace_domain.this.id
}

resource "tenancy_project_group_binding" "this" {
  for_each   = local.tenants
  project_id = tenancy_tenant_project.this[each.key].id
  group = {
    name      = "${var.workspace}.${each.key}"
    domain_id = tenancy_workspace_domain.this.id
  }
  roles = ["member", "heat_stack_owner", "creator"]
}
