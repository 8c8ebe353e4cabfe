resource "tenancy_workspace_domain" "users" {
  name = "${var.prefix}-users"
}

resource "tenancy_identity_provider" "aad" {
  id        = "${var.prefix}-aad"
  domain_id = tenancy_workspace_domain.users.id
}

# Its own domain, from now on.
resource "tenancy_identity_provider" "backup" {
  id = "${var.prefix}-backup-2"
}

# Another id: another identity provider, and another domain.
resource "tenancy_identity_provider" "bare" {
  id = "${var.prefix}-bare-2"
}
