moved {
  from = openstack_compute_quotaset_v2.web
  to   = tenancy_quota_set.web
}

resource "tenancy_quota_set" "web" {
  project_id = var.project
  compute    = { cores = 7 }
}

variable "project" {
  type = string
}
