# The tenants of a workspace, as a repository has them. They are in tenants.auto.tfvars; a pipeline plans each change of
# that file, and checks it against the rules in tests/.

terraform {
  required_providers {
    tenancy = {
      source = "tenancy/tenancy"
    }
  }
}

# The account comes from clouds.yaml, as OS_CLOUD says. For a plan it needs to read only.
provider "tenancy" {}

variable "workspace" {
  description = "Name of the workspace."
  type        = string
}

variable "tenants" {
  description = "The tenants, by name."
  type = map(object({
    description = optional(string, "")
    cost_centre = string
    cores       = optional(number, 20)
    owners      = set(string)
    users       = optional(set(string), [])
  }))

  validation {
    condition     = alltrue([for tenant in var.tenants : can(regex("^[A-Z]{2}-[0-9]{4}$", tenant.cost_centre))])
    error_message = "A cost centre is two letters and four digits, such as IT-0042."
  }
}

resource "tenancy_workspace_domain" "this" {
  name = var.workspace
}

resource "tenancy_tenant_project" "this" {
  for_each = var.tenants

  name        = each.key
  domain_id   = tenancy_workspace_domain.this.id
  description = each.value.description
  properties  = { cost_centre = each.value.cost_centre }
}

resource "tenancy_quota_set" "this" {
  for_each = var.tenants

  project_id = tenancy_tenant_project.this[each.key].id
  compute    = { cores = each.value.cores }
}

resource "tenancy_project_group_binding" "owners" {
  for_each = var.tenants

  project_id = tenancy_tenant_project.this[each.key].id
  group      = { name = "${each.key}-owners", domain_id = tenancy_workspace_domain.this.id }
  roles      = ["manager", "member"]
  members    = each.value.owners
}

resource "tenancy_project_group_binding" "users" {
  for_each = var.tenants

  project_id = tenancy_tenant_project.this[each.key].id
  group      = { name = "${each.key}-users", domain_id = tenancy_workspace_domain.this.id }
  roles      = ["member"]
  members    = each.value.users
}
