resource "tenancy_tenant_project" "web" {
  name = "web"
}

# A fixed amount of storage, whatever its kind.
resource "tenancy_quota_set" "web" {
  project_id = tenancy_tenant_project.web.id

  compute = {
    cores     = 20
    ram_mib   = 51200
    instances = 30
  }
  block_storage = {
    volumes   = 50
    gigabytes = 1024
    snapshots = 50
  }
  network = {
    floating_ips         = 50
    networks             = 10
    subnets              = 10
    ports                = -1 # unlimited
    security_groups      = 100
    security_group_rules = 100
  }
  load_balancer  = { load_balancers = 5 }
  object_storage = { bytes = 1099511627776 }
}

resource "tenancy_tenant_project" "lab" {
  name = "lab"
}

# An amount of storage for each volume type. Of a type that is not written nothing is changed.
resource "tenancy_quota_set" "lab" {
  project_id = tenancy_tenant_project.lab.id

  compute = {
    cores = 8
  }
  block_storage = {
    volume_types = {
      ssd = { gigabytes = 500 }
      hdd = { gigabytes = 2000, volumes = 40 }
    }
  }

  # A key of an extension, which has no attribute.
  extra = {
    network = { trunk = 5 }
  }

  # What was there before comes back on destroy.
  on_destroy = "restore"
}
