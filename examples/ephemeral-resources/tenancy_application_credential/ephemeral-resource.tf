# The provider's account, with less than it may do, for no longer than half an hour.
ephemeral "tenancy_application_credential" "run" {
  description = "One run of Terraform"
  roles       = ["member"]
  ttl         = "30m"
}

# Anything that takes an application credential can have it, such as another provider.
provider "tenancy" {
  alias                         = "member"
  auth_url                      = ephemeral.tenancy_application_credential.run.auth_url
  application_credential_id     = ephemeral.tenancy_application_credential.run.id
  application_credential_secret = ephemeral.tenancy_application_credential.run.secret
}
