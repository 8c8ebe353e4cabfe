resource "tenancy_identity_provider" "aad" {
  id = "${var.prefix}-aad"
}

resource "tenancy_federation_mapping" "aad" {
  id = "${var.prefix}-aad"
  rules = [{
    local  = [{ user = { name = "{0}" } }]
    remote = [{ type = "HTTP_OIDC_SUB" }]
  }]
}

resource "tenancy_federation_protocol" "openid" {
  identity_provider   = tenancy_identity_provider.aad.id
  protocol            = "openid"
  mapping             = tenancy_federation_mapping.aad.id
  remote_id_attribute = "HTTP_OIDC_ISS"
}

resource "tenancy_federation_protocol" "mapped" {
  identity_provider = tenancy_identity_provider.aad.id
  protocol          = "mapped"
  mapping           = tenancy_federation_mapping.aad.id
}
