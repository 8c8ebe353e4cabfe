resource "tenancy_workspace_domain" "users" {
  name       = var.users_domain
  on_destroy = "delete" # with those whom logins made
}

resource "tenancy_identity_provider" "company" {
  id         = var.identity_provider
  remote_ids = [var.issuer]
  domain_id  = tenancy_workspace_domain.users.id
}

resource "tenancy_federation_mapping" "company" {
  id = var.identity_provider
  rules = [{
    remote = [{ type = "HTTP_OIDC_EMAIL" }]
    local  = [{ user = { name = "{0}", email = "{0}" } }]
  }]
}

resource "tenancy_federation_protocol" "openid" {
  identity_provider = tenancy_identity_provider.company.id
  protocol          = "openid"
  mapping           = tenancy_federation_mapping.company.id
}
