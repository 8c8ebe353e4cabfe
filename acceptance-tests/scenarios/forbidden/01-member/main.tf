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

provider "tenancy" {
  alias      = "member"
  user_id    = var.user
  password   = var.password
  project_id = var.project
}

resource "tenancy_workspace_domain" "acme" {
  provider = tenancy.member
  name     = "${var.prefix}-acme"
}

resource "tenancy_tenant_project" "web" {
  provider = tenancy.member
  name     = "${var.prefix}-web"
}

# Made by the administrator.
resource "tenancy_tenant_project" "mine" {
  name = "${var.prefix}-mine"
}
