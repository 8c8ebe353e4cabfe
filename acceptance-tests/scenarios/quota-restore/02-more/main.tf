resource "tenancy_quota_set" "restored" {
  project_id    = var.restored
  compute       = { cores = 40, instances = 30, ram_mib = 40 }
  block_storage = { volumes = 30 }
  network       = { networks = 30 }
  on_destroy    = "restore"
}

resource "tenancy_quota_set" "kept" {
  project_id = var.kept
  compute    = { cores = 31 }
  on_destroy = "keep"
}

variable "restored" {
  type = string
}

variable "kept" {
  type = string
}
