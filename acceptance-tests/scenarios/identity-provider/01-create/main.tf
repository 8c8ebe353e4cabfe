resource "tenancy_workspace_domain" "users" {
  name = "${var.prefix}-users"
}

resource "tenancy_identity_provider" "aad" {
  id                = "${var.prefix}-aad"
  remote_ids        = ["https://${var.prefix}.example/v2.0", "https://${var.prefix}.example/v1"]
  domain_id         = tenancy_workspace_domain.users.id
  enabled           = false
  description       = "Entra ID"
  authorization_ttl = 60
}

# A domain may serve several.
resource "tenancy_identity_provider" "backup" {
  id        = "${var.prefix}-backup"
  domain_id = tenancy_workspace_domain.users.id
}

resource "tenancy_identity_provider" "bare" {
  id = "${var.prefix}-bare"
}
