resource "tenancy_tenant_project" "own" {
  name = "${var.prefix}-own"
}

resource "tenancy_quota_set" "own" {
  project_id = tenancy_tenant_project.own.id
  network    = { networks = 3 }
}

resource "tenancy_quota_set" "nova" {
  project_id = var.nova
  compute    = { cores = 3 }
}

resource "tenancy_quota_set" "others" {
  project_id    = var.others
  block_storage = { volumes = 3 }
  network       = { networks = 3 }
  dns           = { zones = 3 }
}

variable "nova" {
  type = string
}

variable "others" {
  type = string
}
