variable "users_domain_id" {
  type = string
}

provider "tenancy" {
  users_domain_id = var.users_domain_id
}
