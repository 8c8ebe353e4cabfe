# A workspace with three tenants, and who may do what in them. All of it is in the two maps below.

terraform {
  required_providers {
    tenancy = {
      source = "tenancy/tenancy"
    }
  }
}

# The account comes from clouds.yaml, as OS_CLOUD says.
provider "tenancy" {}

variable "workspace" {
  description = "Name of the workspace: a domain of its own in Keystone."
  type        = string
  default     = "acme"
}

locals {
  tenants = {
    web  = { description = "Web shop", tags = ["prod"] }
    mail = { description = "Mail", tags = ["prod"] }
    lab  = { description = "Whoever wants to try something", tags = ["test"] }
  }

  # Keystone does not know jane@example.org before her first login. The plan says so, and the first plan after it adds
  # her to her groups.
  bindings = {
    web-users  = { tenant = "web", roles = ["member"], members = ["admin", "jane@example.org"] }
    web-admins = { tenant = "web", roles = ["manager"], members = ["admin"] }
    mail-users = { tenant = "mail", roles = ["member", "heat_stack_owner"], members = ["admin"] }
    lab-users  = { tenant = "lab", roles = ["member", "creator"], members = ["jane@example.org"] }
  }
}

resource "tenancy_workspace_domain" "this" {
  name        = var.workspace
  description = "Workspace ${var.workspace}"
  tags        = ["workspace"]
}

resource "tenancy_tenant_project" "this" {
  for_each = local.tenants

  name        = each.key
  domain_id   = tenancy_workspace_domain.this.id
  description = each.value.description
  tags        = each.value.tags
}

resource "tenancy_project_group_binding" "this" {
  for_each = local.bindings

  project_id = tenancy_tenant_project.this[each.value.tenant].id
  group      = { name = each.key, domain_id = tenancy_workspace_domain.this.id }
  roles      = each.value.roles
  members    = each.value.members
}

# What the tenants used in the last thirty days, up to the start of this hour.
data "tenancy_metered_usage" "this" {
  domain_id  = tenancy_workspace_domain.this.id
  start      = timeadd(formatdate("YYYY-MM-DD'T'hh:00:00Z", plantimestamp()), "-720h")
  renderings = []

  # Once they are there.
  depends_on = [tenancy_tenant_project.this]
}

output "projects" {
  description = "Id of each tenant's project."
  value       = { for name, project in tenancy_tenant_project.this : name => project.id }
}

output "pending_members" {
  description = "Who is not there yet, by group."
  value = {
    for name, binding in tenancy_project_group_binding.this : name => binding.pending_members
    if length(binding.pending_members) > 0
  }
}

output "usage" {
  description = "What each tenant used, in hours. Null: the account may not look."
  value = {
    for project in data.tenancy_metered_usage.this.projects : project.name => {
      servers      = project.totals.server_hours
      vcpus        = project.totals.vcpu_hours
      ram_mib      = project.totals.ram_mib_hours
      volumes_gib  = project.totals.volume_gib_hours
      completeness = project.completeness
    }
  }
}
