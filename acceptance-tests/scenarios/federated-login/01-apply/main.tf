variable "issuer" {
  type = string
}

resource "tenancy_workspace_domain" "users" {
  name       = "${var.prefix}-users"
  on_destroy = "delete"
}

resource "tenancy_identity_provider" "idp" {
  id         = "${var.prefix}-idp"
  remote_ids = [var.issuer]
  domain_id  = tenancy_workspace_domain.users.id
}

resource "tenancy_federation_mapping" "idp" {
  id = "${var.prefix}-idp"
  rules = [{
    remote = [{ type = "HTTP_OIDC_SUB" }, { type = "HTTP_OIDC_EMAIL" }]
    local  = [{ user = { name = "{0}", email = "{1}" } }]
  }]
}

resource "tenancy_federation_protocol" "openid" {
  identity_provider = tenancy_identity_provider.idp.id
  protocol          = "openid"
  mapping           = tenancy_federation_mapping.idp.id
}

# Jane is there before she logs in.
resource "tenancy_federated_user" "jane" {
  name              = "${var.prefix}-jane"
  domain_id         = tenancy_workspace_domain.users.id
  identity_provider = tenancy_identity_provider.idp.id
  protocol          = tenancy_federation_protocol.openid.protocol
}

resource "tenancy_workspace_domain" "acme" {
  name = "${var.prefix}-acme"
}

resource "tenancy_tenant_project" "web" {
  name      = "web"
  domain_id = tenancy_workspace_domain.acme.id
}

resource "tenancy_project_group_binding" "users" {
  project_id        = tenancy_tenant_project.web.id
  group             = { name = "users", domain_id = tenancy_workspace_domain.acme.id }
  roles             = ["member", "creator"]
  members           = [tenancy_federated_user.jane.name, "${var.prefix}-joe"]
  members_domain_id = tenancy_workspace_domain.users.id
}
