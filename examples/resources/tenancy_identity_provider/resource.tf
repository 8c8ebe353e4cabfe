resource "tenancy_workspace_domain" "users" {
  name = "partners"
}

resource "tenancy_identity_provider" "aad" {
  id         = "aad"
  remote_ids = ["https://sts.windows.net/6f1d2c3b-4a59-4e8d-9c7b-0a1b2c3d4e5f/"]
  domain_id  = tenancy_workspace_domain.users.id
}

# Without a domain Keystone makes one, and it goes with the identity provider.
resource "tenancy_identity_provider" "egi" {
  id         = "egi.eu"
  remote_ids = ["https://aai.egi.eu/auth/realms/egi"]
}
