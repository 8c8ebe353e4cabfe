resource "tenancy_quota_set" "both" {
  project_id = var.project
  network    = { networks = 5 }
}

variable "other" {
  type = string
}
