resource "tenancy_workspace" "acme" {
  domain = { name = "${var.prefix}-acme" }
  tenants = {
    web = {
      description = "The shop"
    }
    mail = {
      bindings = { users = { roles = ["member"] } }
      quotas   = { compute = { cores = 5 } }
    }
  }
  lifecycle {
    postcondition {
      condition     = length(self.failures) == 0
      error_message = join("\n", values(self.failures))
    }
  }
}
