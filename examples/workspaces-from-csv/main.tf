# A spreadsheet of tenants becomes a workspace: each row of tenants.csv is a tenant. Lists within a cell are separated by
# semicolons.

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
  rows = csvdecode(file("${path.module}/tenants.csv"))

  tenants = {
    for row in local.rows : row.tenant => {
      description = row.description
      tags        = compact(split(";", row.tags))
      bindings = {
        users  = { roles = ["member"], members = compact(split(";", row.users)) }
        admins = { roles = ["manager"], members = compact(split(";", row.admins)) }
      }
      quotas = {
        compute       = { cores = tonumber(row.cores) }
        block_storage = { gigabytes = tonumber(row.gigabytes) }
      }
    }
  }
}

resource "tenancy_workspace" "this" {
  domain  = { name = var.workspace }
  tenants = local.tenants

  # A tenant that cannot be made is told of and tried again by the next apply; the others are there.
  lifecycle {
    postcondition {
      condition     = length(self.failures) == 0
      error_message = join("\n", values(self.failures))
    }
  }
}

output "projects" {
  description = "Id of each tenant's project."
  value       = { for name, tenant in tenancy_workspace.this.tenants : name => tenant.project_id }
}
