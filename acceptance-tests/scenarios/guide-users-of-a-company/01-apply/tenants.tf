resource "tenancy_workspace_domain" "acme" {
  name = var.workspace
}

resource "tenancy_tenant_project" "web" {
  name      = "web"
  domain_id = tenancy_workspace_domain.acme.id
}

resource "tenancy_project_group_binding" "users" {
  project_id        = tenancy_tenant_project.web.id
  group             = { name = "web-users", domain_id = tenancy_workspace_domain.acme.id }
  roles             = ["member"]
  members           = var.members
  members_domain_id = tenancy_workspace_domain.users.id
  missing_members   = "skip"

  # So that those who are about to be made are not missed.
  depends_on = [tenancy_federated_user.this]
}

resource "tenancy_project_group_binding" "admins" {
  project_id        = tenancy_tenant_project.web.id
  group             = { name = "web-admins", domain_id = tenancy_workspace_domain.acme.id }
  roles             = ["manager"]
  members           = var.admins
  members_domain_id = tenancy_workspace_domain.users.id
  missing_members   = "create"
  federation = {
    identity_provider = tenancy_identity_provider.company.id
    protocol          = tenancy_federation_protocol.openid.protocol
  }
}
