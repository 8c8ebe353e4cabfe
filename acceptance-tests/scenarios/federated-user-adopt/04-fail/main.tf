resource "tenancy_workspace_domain" "people" {
  name       = "${var.prefix}-people"
  on_destroy = "delete"
}

resource "tenancy_identity_provider" "aad" {
  id         = "${var.prefix}-aad"
  domain_id  = tenancy_workspace_domain.people.id
  remote_ids = ["https://${var.prefix}.example"]
}

# At a login the headers of the request are what a web server would have made of the claims.
resource "tenancy_federation_mapping" "aad" {
  id = "${var.prefix}-aad"
  rules = [{
    local  = [{ user = { id = "{0}", name = "{1}" } }]
    remote = [{ type = "HTTP_OIDC_SUB" }, { type = "HTTP_OIDC_NAME" }]
  }]
}

resource "tenancy_federation_protocol" "openid" {
  identity_provider = tenancy_identity_provider.aad.id
  protocol          = "openid"
  mapping           = tenancy_federation_mapping.aad.id
}

resource "tenancy_identity_provider" "backup" {
  id        = "${var.prefix}-backup"
  domain_id = tenancy_workspace_domain.people.id
}

resource "tenancy_federation_protocol" "backup" {
  identity_provider = tenancy_identity_provider.backup.id
  protocol          = "openid"
  mapping           = tenancy_federation_mapping.aad.id
}

resource "tenancy_federated_user" "zoe" {
  name              = "${var.prefix}-zoe@example.org"
  domain_id         = tenancy_workspace_domain.people.id
  identity_provider = tenancy_federation_protocol.openid.identity_provider
  protocol          = tenancy_federation_protocol.openid.protocol
}

resource "tenancy_federated_user" "yan" {
  name              = "${var.prefix}-yan"
  domain_id         = tenancy_workspace_domain.people.id
  identity_provider = tenancy_federation_protocol.openid.identity_provider
  protocol          = tenancy_federation_protocol.openid.protocol
  enabled           = true
  description       = "Yan"
  on_destroy        = "delete"
}

resource "tenancy_federated_user" "fails" {
  name              = "${var.prefix}-wim"
  domain_id         = tenancy_workspace_domain.people.id
  identity_provider = tenancy_federation_protocol.openid.identity_provider
  protocol          = tenancy_federation_protocol.openid.protocol
  on_existing       = "fail"
}

resource "tenancy_federated_user" "fails_by_name" {
  name              = "${var.prefix}-ada"
  domain_id         = tenancy_workspace_domain.people.id
  identity_provider = tenancy_federation_protocol.openid.identity_provider
  protocol          = tenancy_federation_protocol.openid.protocol
  on_existing       = "fail"
}

resource "tenancy_federated_user" "twins" {
  name              = "${var.prefix}-twin"
  domain_id         = tenancy_workspace_domain.people.id
  identity_provider = tenancy_federation_protocol.openid.identity_provider
  protocol          = tenancy_federation_protocol.openid.protocol
}

resource "tenancy_federated_user" "elsewhere" {
  name              = "${var.prefix}-bo"
  domain_id         = "default"
  identity_provider = tenancy_federation_protocol.openid.identity_provider
  protocol          = tenancy_federation_protocol.openid.protocol
}

resource "tenancy_workspace_domain" "later" {
  name = "${var.prefix}-later"
}

resource "tenancy_federated_user" "later" {
  name              = "${var.prefix}-eve"
  domain_id         = tenancy_workspace_domain.later.id
  identity_provider = tenancy_federation_protocol.openid.identity_provider
  protocol          = tenancy_federation_protocol.openid.protocol
  on_existing       = "fail"
}

resource "tenancy_project_group_binding" "twins" {
  domain_id         = tenancy_workspace_domain.people.id
  group             = { name = "${var.prefix}-twins" }
  roles             = ["reader"]
  members           = ["${var.prefix}-twin"]
  members_domain_id = tenancy_workspace_domain.people.id
}

data "tenancy_user" "twin" {
  name      = "${var.prefix}-twin"
  domain_id = tenancy_workspace_domain.people.id
}
