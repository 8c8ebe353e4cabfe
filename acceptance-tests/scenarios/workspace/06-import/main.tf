import {
  to = tenancy_workspace.again
  id = "${var.prefix}-acme"
}

removed {
  from = tenancy_workspace.acme
  lifecycle {
    destroy = false
  }
}

resource "tenancy_workspace" "again" {
  domain = {
    name        = "${var.prefix}-acme"
    description = "Workspace of acme"
    tags        = ["workspace"]
  }
  tenants = {
    web = {
      description = "The web shop"
      tags        = ["prod", "shop"]
      properties  = { "egi.VO" = "vo.example" }
      bindings = {
        users   = { roles = ["member"] }
        "${var.prefix}-web-chiefs" = { roles = ["reader"], group_name = "${var.prefix}-web-chiefs" }
        readers = { roles = ["reader"] }
      }
    }
    lab = {
      parent = "web"
    }
  }
}
