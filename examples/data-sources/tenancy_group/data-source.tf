data "tenancy_domain" "acme" {
  name = "acme"
}

data "tenancy_group" "users" {
  name         = "acme-web-users"
  domain_id    = data.tenancy_domain.acme.id
  with_members = true
}
