data "tenancy_domain" "x" {
  name = "${var.prefix}-nothing"
}

data "tenancy_project" "x" {
  name = "${var.prefix}-nothing"
}

data "tenancy_project" "y" {
  id = "${var.prefix}-nothing"
}

data "tenancy_role" "x" {
  name = "membre"
}

data "tenancy_user" "x" {
  name      = "${var.prefix}-jan"
  domain_id = var.domain
}

data "tenancy_user" "y" {
  id = "${var.prefix}-nothing"
}

data "tenancy_user" "z" {
  identity_provider = "${var.prefix}-aad"
  protocol          = "openid"
  unique_id         = "joe@example.org"
}

data "tenancy_user" "w" {
  name      = "${var.prefix}-jane"
  domain_id = "${var.prefix}-nothing"
}

data "tenancy_group" "x" {
  name      = "${var.prefix}-user"
  domain_id = var.domain
}

data "tenancy_group" "y" {
  id = "${var.prefix}-nothing"
}

variable "domain" {
  type = string
}
