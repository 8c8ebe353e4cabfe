provider "tenancy" {
  users_domain_id = var.users_domain_id
}
