resource "tenancy_identity_provider" "this" {
  id         = var.identity_provider
  remote_ids = [var.issuer]
}

resource "tenancy_federation_mapping" "this" {
  id = var.identity_provider
  rules = [
    # Everybody who logs in is a user.
    {
      remote = [{ type = "HTTP_OIDC_SUB" }, { type = "HTTP_OIDC_EMAIL" }]
      local  = [{ user = { name = "{0}", email = "{1}" } }]
    },
    # Whoever has the claim is in the groups that it names.
    {
      remote = [{ type = "HTTP_OIDC_MC_PROJECTS" }]
      local  = [{ groups = "{0}", domain = { id = tenancy_workspace_domain.this.id } }]
    },
  ]
}

resource "tenancy_federation_protocol" "openid" {
  identity_provider = tenancy_identity_provider.this.id
  protocol          = "openid"
  mapping           = tenancy_federation_mapping.this.id
}
