resource "tenancy_workspace" "acme" {
  domain = { name = "${var.prefix}-acme" }
  users  = { protocol = "openid" }
  tenants = {
    " web" = {}
    mail = {
      name     = "LAB"
      bindings = { users = { roles = ["member"], group_name = "everybody" } }
    }
    lab = {
      parent   = "docs"
      bindings = { users = { roles = ["member"], group_name = "everybody" } }
    }
    docs = {
      parent = "lab"
      quotas = { compute = { cores = -2 } }
    }
    nowhere = { parent = "somewhere" }
  }
}

resource "tenancy_workspace" "other" {
  domain_id  = "0123456789abcdef0123456789abcdef"
  tenants    = {}
  on_destroy = "disable"
}

resource "tenancy_workspace" "none" {
  tenants = {}
}
