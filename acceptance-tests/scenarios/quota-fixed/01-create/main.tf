resource "tenancy_tenant_project" "web" {
  name = "${var.prefix}-web"
}

resource "tenancy_quota_set" "web" {
  project_id = tenancy_tenant_project.web.id
  compute = {
    cores     = 20
    ram_mib   = 51201
    instances = 30
  }
  block_storage = {
    volumes   = 50
    gigabytes = 1024
    snapshots = 51
  }
  network = {
    security_groups      = 101
    security_group_rules = 102
    floating_ips         = 52
    networks             = 11
    subnets              = 12
    ports                = 13
  }
  load_balancer = { load_balancers = 3, pools = 4, members = 5 }
}
