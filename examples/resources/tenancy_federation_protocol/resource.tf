resource "tenancy_identity_provider" "aad" {
  id         = "aad"
  remote_ids = ["https://sts.windows.net/6f1d2c3b-4a59-4e8d-9c7b-0a1b2c3d4e5f/"]
}

resource "tenancy_federation_mapping" "aad" {
  id = "aad"
  rules = [{
    local  = [{ user = { name = "{0}" } }]
    remote = [{ type = "HTTP_OIDC_SUB" }]
  }]
}

# Users log in at /v3/OS-FEDERATION/identity_providers/aad/protocols/openid/auth.
resource "tenancy_federation_protocol" "openid" {
  identity_provider   = tenancy_identity_provider.aad.id
  protocol            = "openid"
  mapping             = tenancy_federation_mapping.aad.id
  remote_id_attribute = "HTTP_OIDC_ISS"
}
