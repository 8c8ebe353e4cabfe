# For the queries.
variable "domain" {
  type    = string
  default = null
}

resource "tenancy_workspace_domain" "acme" {
  name = "${var.prefix}-acme"
  tags = ["${var.prefix}-workspace"]
}

resource "tenancy_tenant_project" "web" {
  name      = "${var.prefix}-web"
  domain_id = tenancy_workspace_domain.acme.id
  tags      = ["prod"]
}

resource "tenancy_tenant_project" "lab" {
  name      = "${var.prefix}-lab"
  domain_id = tenancy_workspace_domain.acme.id
}

resource "tenancy_project_group_binding" "users" {
  project_id = tenancy_tenant_project.web.id
  group      = { name = "${var.prefix}-users", domain_id = tenancy_workspace_domain.acme.id }
  roles      = ["member", "reader"]
  members    = []
}

resource "tenancy_project_group_binding" "below" {
  domain_id = tenancy_workspace_domain.acme.id
  group_id  = tenancy_project_group_binding.users.group_id
  roles     = ["reader"]
  inherited = true
}

resource "tenancy_identity_provider" "company" {
  id        = "${var.prefix}-idp"
  domain_id = "default"
}

resource "tenancy_federation_mapping" "company" {
  id = "${var.prefix}-map"
  rules = [{
    local  = [{ user = { name = "{0}" } }]
    remote = [{ type = "HTTP_OIDC_EMAIL" }]
  }]
}

resource "tenancy_federation_protocol" "openid" {
  identity_provider = tenancy_identity_provider.company.id
  protocol          = "openid"
  mapping           = tenancy_federation_mapping.company.id
}

resource "tenancy_federated_user" "jane" {
  name              = "${var.prefix}-jane@example.org"
  domain_id         = tenancy_workspace_domain.acme.id
  identity_provider = tenancy_identity_provider.company.id
  protocol          = tenancy_federation_protocol.openid.protocol
}
