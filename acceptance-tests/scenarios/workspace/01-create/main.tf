resource "tenancy_workspace" "acme" {
  domain = {
    name        = "${var.prefix}-acme"
    description = "Workspace acme"
    tags        = ["workspace"]
  }
  users = { domain_id = "default", missing = "skip" }
  tenants = {
    web = {
      description = "The shop"
      tags        = ["prod", "shop"]
      properties  = { "egi.VO" = "vo.example" }
      bindings = {
        users  = { roles = ["member"], members = ["${var.prefix}-jane", "${var.prefix}-joe"] }
        admins = { roles = ["member", "reader"], group_name = "${var.prefix}-web-chiefs" }
      }
      quotas = {
        compute       = { cores = 20, ram_mib = 51200 }
        block_storage = { gigabytes = 500 }
        network       = { networks = 11 }
      }
    }
    lab = {
      parent = "web"
      bindings = {
        users = { roles = ["reader"], members = [] }
      }
    }
    mail = {
      name     = "${var.prefix}-mail"
      bindings = { users = { roles = ["member"] } }
    }
  }
}
