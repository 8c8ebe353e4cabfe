resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-web"
}

resource "tenancy_quota_set" "web" {
  project_id    = tenancy_tenant_project.web.id
  compute       = { cores = -1, ram_mib = -1, instances = -1 }
  block_storage = { volumes = -1, gigabytes = -1, snapshots = -1 }
  network       = { networks = -1, floating_ips = -1, ports = -1 }
  load_balancer = { load_balancers = -1, pools = -1 }
}
