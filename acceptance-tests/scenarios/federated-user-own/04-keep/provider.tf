variable "password" {
  type      = string
  sensitive = true
}

provider "tenancy" {
  username         = "${var.prefix}-robot"
  password         = var.password
  user_domain_name = "Default"
}
