variable "domain" {
  type = string
}

resource "tenancy_tenant_project" "web" {
  name        = "${var.prefix}-web"
  domain_id   = var.domain
  description = "Web shop"
  tags        = ["prod"]
  on_destroy  = "delete"
}

resource "tenancy_federated_user" "ann" {
  name              = "${var.prefix}-ann"
  domain_id         = var.domain
  identity_provider = "${var.prefix}-idp"
  protocol          = "openid"
}

resource "tenancy_project_group_binding" "users" {
  project_id        = tenancy_tenant_project.web.id
  group             = { name = "${var.prefix}-web-users", domain_id = var.domain }
  roles             = ["member"]
  members           = ["${var.prefix}-jane", "${var.prefix}-joe"]
  members_domain_id = var.domain
}
