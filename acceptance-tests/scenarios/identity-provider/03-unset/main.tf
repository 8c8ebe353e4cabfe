resource "tenancy_workspace_domain" "users" {
  name = "${var.prefix}-users"
}

resource "tenancy_identity_provider" "aad" {
  id        = "${var.prefix}-aad"
  domain_id = tenancy_workspace_domain.users.id
}

resource "tenancy_identity_provider" "backup" {
  id        = "${var.prefix}-backup"
  domain_id = tenancy_workspace_domain.users.id
}

resource "tenancy_identity_provider" "bare" {
  id = "${var.prefix}-bare"
}
