resource "tenancy_workspace_domain" "users" {
  name = "${var.prefix}-users"
}

resource "tenancy_identity_provider" "aad" {
  id                = "${var.prefix}-aad"
  remote_ids        = []
  domain_id         = tenancy_workspace_domain.users.id
  description       = ""
  authorization_ttl = 0
}

resource "tenancy_identity_provider" "backup" {
  id         = "${var.prefix}-backup"
  domain_id  = tenancy_workspace_domain.users.id
  remote_ids = ["https://${var.prefix}-backup.example"]
}

resource "tenancy_identity_provider" "bare" {
  id      = "${var.prefix}-bare"
  enabled = false
}
