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
    password           = var.password
  }

  lifecycle {
    postcondition {
      condition     = self.user_name == "alice" && self.project_id != null
      error_message = "This is not alice's token."
    }
  }
}

provider "tenancy" {
  alias    = "alice"
  auth_url = ephemeral.tenancy_token.alice.auth_url
  token    = ephemeral.tenancy_token.alice.token
}

# Where the scenario finds what no state may hold.
resource "terraform_data" "alice" {
  provisioner "local-exec" {
    command     = "printf %s \"$SECRET\" > alice.secret"
    environment = { SECRET = ephemeral.tenancy_token.alice.token }
  }
}
