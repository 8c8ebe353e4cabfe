resource "tenancy_workspace_domain" "people" {
  name = "people"
}

resource "tenancy_identity_provider" "aad" {
  id         = "aad"
  domain_id  = tenancy_workspace_domain.people.id
  remote_ids = ["https://login.example/aad/v2.0"]
}

resource "tenancy_federation_mapping" "aad" {
  id = "aad"
  rules = [{
    # The user's id is what `unique_id` must be: here the claim `upn`.
    local  = [{ user = { id = "{0}", name = "{0}" } }]
    remote = [{ type = "HTTP_OIDC_UPN" }]
  }]
}

resource "tenancy_federation_protocol" "openid" {
  identity_provider = tenancy_identity_provider.aad.id
  protocol          = "openid"
  mapping           = tenancy_federation_mapping.aad.id
}

# Whoever logs in as jane@example.org is this user, with the roles that the user has by then.
resource "tenancy_federated_user" "jane" {
  name              = "jane@example.org"
  domain_id         = tenancy_workspace_domain.people.id
  identity_provider = tenancy_federation_protocol.openid.identity_provider
  protocol          = tenancy_federation_protocol.openid.protocol
}

# The identity provider knows joe by a number. If he has logged in before, he is adopted. In the end he is disabled.
resource "tenancy_federated_user" "joe" {
  name              = "joe@example.org"
  domain_id         = tenancy_workspace_domain.people.id
  identity_provider = tenancy_federation_protocol.openid.identity_provider
  protocol          = tenancy_federation_protocol.openid.protocol
  unique_id         = "4711"
  email             = "joe@example.org"
  on_existing       = "adopt"
  on_destroy        = "disable"
}
