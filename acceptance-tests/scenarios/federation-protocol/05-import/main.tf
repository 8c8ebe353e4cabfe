removed {
  from = tenancy_identity_provider.aad
  lifecycle {
    destroy = false
  }
}

removed {
  from = tenancy_federation_protocol.openid
  lifecycle {
    destroy = false
  }
}

removed {
  from = tenancy_federation_protocol.mapped
  lifecycle {
    destroy = false
  }
}

import {
  to = tenancy_identity_provider.again
  id = "${var.prefix}-aad"
}

import {
  to = tenancy_identity_provider.other
  id = "${var.prefix}-other"
}

import {
  to = tenancy_federation_protocol.again
  id = "${var.prefix}-aad/openid"
}

import {
  to = tenancy_federation_protocol.other
  id = "${var.prefix}-aad/saml2"
}

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

resource "tenancy_federation_mapping" "mail" {
  id = "${var.prefix}-mail"
  rules = [{
    local  = [{ user = { name = "{0}" } }]
    remote = [{ type = "HTTP_OIDC_EMAIL" }]
  }]
}

resource "tenancy_federation_protocol" "again" {
  identity_provider = tenancy_identity_provider.again.id
  protocol          = "openid"
  mapping           = tenancy_federation_mapping.mail.id
}

resource "tenancy_federation_protocol" "other" {
  identity_provider = tenancy_identity_provider.again.id
  protocol          = "saml2"
  mapping           = tenancy_federation_mapping.aad.id
}
