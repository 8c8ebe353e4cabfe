variable "auth_url" {
  type = string
}

variable "discovery_endpoint" {
  type = string
}

variable "password" {
  type      = string
  ephemeral = true
}

variable "client_secret" {
  type      = string
  ephemeral = true
}

ephemeral "tenancy_token" "alice" {
  project_name        = "partners"
  project_domain_name = "partners"

  oidc = {
    identity_provider  = "devidp"
    protocol           = "openid"
    discovery_endpoint = var.discovery_endpoint
    client_id          = "keystone"
    client_secret      = var.client_secret
    username           = "alice"
    password           = "not-${var.password}"
  }
}
