resource "tenancy_quota_set" "both" {
  project_id    = var.project
  network       = { networks = 5 }
  load_balancer = { pools = 5 }
}

resource "tenancy_quota_set" "gone" {
  project_id    = var.other
  load_balancer = { listeners = 6 }
}

variable "other" {
  type = string
}
