resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-web"
}

resource "tenancy_quota_set" "web" {
  project_id    = tenancy_tenant_project.web.id
  compute       = { cores = 0, ram_mib = 0, instances = 0 }
  block_storage = { volumes = 0, gigabytes = 0, snapshots = 0 }
  network       = { networks = 0, floating_ips = 0, ports = 0 }
  load_balancer = { load_balancers = 0, pools = 0 }
}
