resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-web"
}

resource "tenancy_quota_set" "web" {
  project_id    = tenancy_tenant_project.web.id
  network       = { networks = 4, floating_ips = 0 }
  load_balancer = { pools = 3 }
}
