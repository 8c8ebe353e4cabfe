variable "mail" {
  type = string
}

resource "tenancy_workspace" "acme" {
  domain = {
    name        = "${var.prefix}-acme"
    description = "Workspace of acme"
    tags        = ["workspace"]
  }
  users = { domain_id = "default", missing = "skip" }
  tenants = {
    web = {
      description = "The web shop"
      tags        = ["prod", "shop"]
      properties  = { "egi.VO" = "vo.example" }
      bindings = {
        users   = { roles = ["member"], members = ["${var.prefix}-jane", "${var.prefix}-joe"] }
        chiefs  = { roles = ["reader"], group_name = "${var.prefix}-web-chiefs" }
        readers = { roles = ["reader"] }
      }
      quotas = {
        compute       = { cores = 21, ram_mib = 51200 }
        block_storage = { gigabytes = 500 }
        network       = { networks = 11 }
      }
    }
    lab = {
      name       = "${var.prefix}-mail"
      on_destroy = "keep"
      parent     = "web"
      bindings = {
        users = { roles = ["reader"], members = [] }
      }
    }
    post = {
      name       = "${var.prefix}-post"
      project_id = var.mail
      bindings   = { users = { roles = ["member"] } }
    }
  }
}
