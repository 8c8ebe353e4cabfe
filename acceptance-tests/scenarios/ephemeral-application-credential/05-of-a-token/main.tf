# Made with a token, with one role and for one kind of call.
ephemeral "tenancy_token" "project" {
  project_name        = "admin"
  project_domain_name = "Default"
}

ephemeral "tenancy_application_credential" "reader" {
  name  = "${var.prefix}-reader"
  token = ephemeral.tenancy_token.project.token
  roles = ["admin"]

  access_rules = [
    { service = "identity", method = "GET", path = "/v3/roles" },
  ]

  lifecycle {
    postcondition {
      condition     = self.name == "${var.prefix}-reader" && self.project_id == ephemeral.tenancy_token.project.project_id
      error_message = "This is not what was asked for."
    }
  }
}

provider "tenancy" {
  alias                         = "reader"
  auth_url                      = ephemeral.tenancy_application_credential.reader.auth_url
  application_credential_id     = ephemeral.tenancy_application_credential.reader.id
  application_credential_secret = ephemeral.tenancy_application_credential.reader.secret
}

data "tenancy_role" "member" {
  provider = tenancy.reader
  name     = "member"
}
