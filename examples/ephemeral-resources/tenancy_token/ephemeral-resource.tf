variable "access_token" {
  description = "Access token of the identity provider, from the pipeline that runs this."
  type        = string
  ephemeral   = true
}

# Someone whom an identity provider knows, in one project.
ephemeral "tenancy_token" "pipeline" {
  project_name      = "web"
  project_domain_id = "default"

  oidc = {
    identity_provider = "aad"
    protocol          = "openid"
    access_token      = var.access_token
  }
}

# A provider that acts as that user. The token is revoked when the run is over.
provider "tenancy" {
  alias    = "pipeline"
  auth_url = ephemeral.tenancy_token.pipeline.auth_url
  token    = ephemeral.tenancy_token.pipeline.token
}
