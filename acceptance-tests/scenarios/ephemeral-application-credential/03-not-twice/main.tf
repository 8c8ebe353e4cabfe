ephemeral "tenancy_application_credential" "first" {
}

provider "tenancy" {
  alias                         = "first"
  auth_url                      = ephemeral.tenancy_application_credential.first.auth_url
  application_credential_id     = ephemeral.tenancy_application_credential.first.id
  application_credential_secret = ephemeral.tenancy_application_credential.first.secret
}

ephemeral "tenancy_application_credential" "second" {
  provider = tenancy.first
}
