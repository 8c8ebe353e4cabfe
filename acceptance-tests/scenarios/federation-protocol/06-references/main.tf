resource "tenancy_identity_provider" "again" {
  id = "${var.prefix}-aad"
}

resource "tenancy_identity_provider" "other" {
  id                = "${var.prefix}-other"
  remote_ids        = ["https://${var.prefix}-other.example"]
  description       = "Other"
  authorization_ttl = 5
}

resource "tenancy_federation_mapping" "aad" {
  id = "${var.prefix}-aad"
  rules = [{
    local  = [{ user = { name = "{0}" } }]
    remote = [{ type = "HTTP_OIDC_SUB" }]
  }]
}

resource "tenancy_federation_protocol" "no_provider" {
  identity_provider = "${var.prefix}-nobody"
  protocol          = "openid"
  mapping           = tenancy_federation_mapping.aad.id
}

resource "tenancy_federation_protocol" "no_mapping" {
  identity_provider = tenancy_identity_provider.again.id
  protocol          = "mapped"
  mapping           = "${var.prefix}-nothing"
}
