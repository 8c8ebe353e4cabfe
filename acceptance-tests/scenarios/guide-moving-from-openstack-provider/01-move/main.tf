resource "tenancy_workspace_domain" "workspace" {
  name        = var.workspace
  description = "Workspace takeover"
}

resource "tenancy_tenant_project" "web" {
  name        = "web"
  description = "Tenant web"
  domain_id   = tenancy_workspace_domain.workspace.id
  tags        = ["prod", "team-a"]
}

resource "tenancy_project_group_binding" "users" {
  project_id = tenancy_tenant_project.web.id
  group = {
    name        = "web-users"
    description = "Users of web"
    domain_id   = tenancy_workspace_domain.workspace.id
  }
  roles   = ["member"]
  members = [tenancy_federated_user.jane.name]
}

resource "tenancy_federated_user" "jane" {
  name              = var.jane
  domain_id         = tenancy_workspace_domain.workspace.id
  identity_provider = var.identity_provider
  protocol          = "openid"
}

resource "tenancy_quota_set" "web" {
  project_id    = tenancy_tenant_project.web.id
  compute       = { cores = 20, ram_mib = 51200, instances = 30 }
  block_storage = { volumes = 50, gigabytes = 1024, snapshots = 50 }
  network       = { floating_ips = 50, networks = 10 }
  load_balancer = { load_balancers = 5 }
}
