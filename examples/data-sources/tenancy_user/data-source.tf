data "tenancy_domain" "people" {
  name = "people"
}

data "tenancy_user" "jane" {
  name      = "jane@example.org"
  domain_id = data.tenancy_domain.people.id
}

# By who the user is at the identity provider.
data "tenancy_user" "joe" {
  identity_provider = "aad"
  protocol          = "openid"
  unique_id         = "4711"
}
