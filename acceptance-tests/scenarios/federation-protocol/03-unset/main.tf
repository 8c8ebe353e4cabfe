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

resource "tenancy_federation_mapping" "mail" {
  id = "${var.prefix}-mail"
  rules = [{
    local  = [{ user = { name = "{0}" } }]
    remote = [{ type = "HTTP_OIDC_EMAIL" }]
  }]
}

resource "tenancy_federation_protocol" "openid" {
  identity_provider = tenancy_identity_provider.aad.id
  protocol          = "openid"
  mapping           = tenancy_federation_mapping.mail.id
}

resource "tenancy_federation_protocol" "mapped" {
  identity_provider = tenancy_identity_provider.aad.id
  protocol          = "saml2"
  mapping           = tenancy_federation_mapping.aad.id
}
