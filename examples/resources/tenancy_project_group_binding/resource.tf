resource "tenancy_workspace_domain" "acme" {
  name = "acme"
}

resource "tenancy_tenant_project" "web" {
  name      = "web"
  domain_id = tenancy_workspace_domain.acme.id
}

# The binding owns the group. It has these roles on the project, and these members, and no others.
resource "tenancy_project_group_binding" "users" {
  project_id = tenancy_tenant_project.web.id
  group = {
    name      = "acme-web-users"
    domain_id = tenancy_workspace_domain.acme.id
  }
  roles   = ["member"]
  members = ["jane@example.org", "joe@example.org"]
}

# A group that exists already, for instance one that an identity provider fills: the binding manages its roles only.
resource "tenancy_project_group_binding" "auditors" {
  domain_id = tenancy_workspace_domain.acme.id
  group_id  = "0b1c2d3e4f5061728394a5b6c7d8e9f0"
  roles     = ["reader"]
  inherited = true
}

# Members whom Keystone does not know are made: users who log in through an identity provider.
resource "tenancy_project_group_binding" "admins" {
  project_id = tenancy_tenant_project.web.id
  group = {
    name      = "acme-web-admins"
    domain_id = tenancy_workspace_domain.acme.id
  }
  roles           = ["manager"]
  members         = ["ada@example.org"]
  missing_members = "create"
  federation = {
    identity_provider = "aad"
    protocol          = "openid"
  }
}
