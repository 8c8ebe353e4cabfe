resource "tenancy_workspace_domain" "people" {
  name       = "${var.prefix}-people"
  on_destroy = "delete"
}

resource "tenancy_workspace_domain" "others" {
  name       = "${var.prefix}-others"
  on_destroy = "delete"
}

resource "tenancy_identity_provider" "aad" {
  id         = "${var.prefix}-aad"
  domain_id  = tenancy_workspace_domain.others.id
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

resource "tenancy_federation_protocol" "mapped" {
  identity_provider = tenancy_identity_provider.aad.id
  protocol          = "mapped"
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

resource "tenancy_tenant_project" "home" {
  name      = "${var.prefix}-home"
  domain_id = tenancy_workspace_domain.people.id
}

resource "tenancy_federated_user" "jane" {
  name              = "${var.prefix}-jane"
  domain_id         = tenancy_workspace_domain.people.id
  identity_provider = tenancy_federation_protocol.openid.identity_provider
  protocol          = tenancy_federation_protocol.openid.protocol
  enabled            = true
  default_project_id = tenancy_tenant_project.home.id
}

resource "tenancy_federated_user" "joe" {
  name              = "${var.prefix}-joe"
  domain_id         = tenancy_workspace_domain.people.id
  identity_provider = tenancy_federation_protocol.mapped.identity_provider
  protocol          = tenancy_federation_protocol.mapped.protocol
  unique_id         = "${var.prefix}/4712"
}
