variable "lab" {
  type = string
}

resource "tenancy_workspace" "acme" {
  domain = { name = "${var.prefix}-acme" }
  tenants = {
    web = {
      description = "The shop"
    }
    mail = {
      bindings = { users = { roles = ["member"] } }
      quotas   = { compute = { cores = 6 } }
    }
    docs = {}
    lab = {
      project_id = var.lab
      bindings   = { users = { roles = ["member"] } }
    }
    inner = { parent = "lab" }
  }
}
