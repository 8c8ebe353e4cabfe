variable "user" {
  type = string
}

variable "password" {
  type = string
}

provider "tenancy" {
  user_id   = var.user
  password  = var.password
  domain_id = var.domain
}
