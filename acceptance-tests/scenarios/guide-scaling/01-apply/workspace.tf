resource "tenancy_workspace" "acme" {
  domain = { name = var.workspace }
  tenants = {
    for name, tenant in var.tenants : name => {
      description = tenant.description
      tags        = ["managed"]
      bindings = {
        users = { roles = ["member"] }
      }
      quotas = tenant.networks == null ? null : {
        network = { networks = tenant.networks }
      }
      on_destroy = "delete"
    }
  }

  lifecycle {
    postcondition {
      condition     = length(self.failures) == 0
      error_message = join("\n", values(self.failures))
    }
  }
}
