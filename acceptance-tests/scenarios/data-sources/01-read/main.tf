data "tenancy_domain" "by_name" {
  name = "${var.prefix}-acme"
}

data "tenancy_domain" "by_id" {
  id = data.tenancy_domain.by_name.id
}

data "tenancy_project" "by_name" {
  name      = "${var.prefix}-web"
  domain_id = data.tenancy_domain.by_name.id
}

data "tenancy_project" "by_id" {
  id = data.tenancy_project.by_name.id
}

data "tenancy_role" "member" {
  name = "member"
}

data "tenancy_role" "of_the_domain" {
  name = "${var.prefix}-acme/${var.prefix}-operator"
}

data "tenancy_role" "by_id" {
  name = data.tenancy_role.of_the_domain.id
}

data "tenancy_user" "by_name" {
  name      = "${var.prefix}-jane"
  domain_id = data.tenancy_domain.by_name.id
}

data "tenancy_user" "by_id" {
  id = data.tenancy_user.by_name.id
}

data "tenancy_user" "by_identity" {
  identity_provider = "${var.prefix}-aad"
  protocol          = "openid"
  unique_id         = "jane@${var.prefix}"
}

data "tenancy_group" "by_name" {
  name         = "${var.prefix}-users"
  domain_id    = data.tenancy_domain.by_name.id
  with_members = true
}

data "tenancy_group" "by_id" {
  id = data.tenancy_group.by_name.id
}
