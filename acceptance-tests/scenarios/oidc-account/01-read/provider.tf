variable "keystone" {
  type = string
}

variable "issuer" {
  type = string
}

variable "project" {
  type = string
}

variable "password" {
  type      = string
  sensitive = true
}

variable "client_secret" {
  type      = string
  sensitive = true
}

provider "tenancy" {
  auth_type          = "v3oidcpassword"
  auth_url           = var.keystone
  identity_provider  = "${var.prefix}-idp"
  protocol           = "openid"
  discovery_endpoint = "${var.issuer}/.well-known/openid-configuration"
  client_id          = "keystone"
  client_secret      = var.client_secret
  username           = "${var.prefix}-jane"
  password           = var.password
  project_id         = var.project
}
