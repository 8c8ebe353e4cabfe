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
    lab = {
      project_id = var.lab
      bindings   = { users = { roles = ["member"] } }
    }
    inner = { parent = "lab" }
  }
}

variable "other" {
  type = string
}

resource "tenancy_workspace" "other" {
  domain_id = var.other
  tenants = {
    mail = {
      bindings = { users = { roles = ["nobody-has-this"] } }
    }
    more = {
      bindings = { users = { roles = ["nobody-has-this"], members = ["${var.prefix}-jane"] } }
    }
    docs = {
      tags = ["x"]
    }
  }
}
