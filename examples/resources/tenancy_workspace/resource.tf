locals {
  tenants = {
    web  = { description = "The shop", users = ["jane@example.org", "joe@example.org"], admins = ["ada@example.org"] }
    mail = { description = "Mail", users = ["joe@example.org"], admins = ["ada@example.org"] }
  }
}

# One resource for the domain, and for each tenant's project, groups, roles, members and limits.
resource "tenancy_workspace" "acme" {
  domain = {
    name        = "acme"
    description = "Workspace acme"
  }

  # Members whom Keystone does not know yet are made, as users who log in through this identity provider.
  users = {
    identity_provider = "aad"
    protocol          = "openid"
    missing           = "create"
  }

  tenants = {
    for name, tenant in local.tenants : name => {
      description = tenant.description
      tags        = ["prod"]
      bindings = {
        users  = { roles = ["member"], members = tenant.users }
        admins = { roles = ["manager"], members = tenant.admins }
      }
      quotas = {
        compute       = { cores = 20, ram_mib = 51200 }
        block_storage = { volume_types = { ssd = { gigabytes = 500 } } }
      }
    }
  }

  # A tenant that fails stops no other. With this, a run in which one failed ends with an error; the next one goes on with it.
  lifecycle {
    postcondition {
      condition     = length(self.failures) == 0
      error_message = join("\n", values(self.failures))
    }
  }
}

# In a domain that exists. A tenant that was called `lab` becomes `research`: with its id written it is renamed.
resource "tenancy_workspace" "science" {
  domain_id = "4a3b1d0f6c5e4f0e9d8c7b6a59483726"
  tenants = {
    research = {
      project_id = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
      on_destroy = "keep"
    }
    # A project in a project.
    genomics = { parent = "research" }
  }
}

output "projects" {
  value = { for key, tenant in tenancy_workspace.acme.tenants : key => tenant.project_id }
}
