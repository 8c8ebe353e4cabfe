resource "tenancy_identity_provider" "aad" {
  id         = "${var.prefix}-aad"
  remote_ids = ["https://${var.prefix}.example"]
}

resource "tenancy_federation_mapping" "aad" {
  id = "${var.prefix}-aad"
  rules = [{
    local  = [{ user = { name = "{0}" } }]
    remote = [{ type = "HTTP_OIDC_SUB" }]
  }]
}

resource "tenancy_federation_protocol" "openid" {
  identity_provider = tenancy_identity_provider.aad.id
  protocol          = "openid"
  mapping           = tenancy_federation_mapping.aad.id
}

resource "tenancy_identity_provider" "same_id" {
  id = "${var.prefix}-aad"
}

resource "tenancy_identity_provider" "same_remote" {
  id         = "${var.prefix}-other"
  remote_ids = ["https://${var.prefix}.example", "https://${var.prefix}-more.example"]
}

resource "tenancy_identity_provider" "too_long" {
  id         = "${var.prefix}-long"
  remote_ids = ["https://${var.prefix}.example/0123456789012345678901234567890123456789012345678901234567890123"]
}

resource "tenancy_federation_mapping" "same" {
  id = "${var.prefix}-aad"
  rules = [{
    local  = [{ user = { name = "{0}" } }]
    remote = [{ type = "HTTP_OIDC_EMAIL" }]
  }]
}

resource "tenancy_federation_protocol" "same" {
  identity_provider = tenancy_identity_provider.aad.id
  protocol          = "openid"
  mapping           = tenancy_federation_mapping.aad.id
}
