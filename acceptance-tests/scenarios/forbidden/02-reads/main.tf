variable "user" {
  type = string
}

variable "password" {
  type      = string
  sensitive = true
}

variable "project" {
  type = string
}

resource "tenancy_tenant_project" "mine" {
  name = "${var.prefix}-mine"
}
