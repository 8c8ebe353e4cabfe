# Apache, which knows OpenID Connect, in front of the same Keystone.
provider "tenancy" {
  auth_url = var.auth_url
}
