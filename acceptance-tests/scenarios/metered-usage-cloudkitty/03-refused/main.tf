variable "reader" {
  type = string
}

variable "password" {
  type      = string
  sensitive = true
}

variable "project" {
  type = string
}

variable "admin" {
  type = string
}

data "tenancy_metered_usage" "other" {
  source      = "cloudkitty"
  start       = "2026-02-01T00:00:00Z"
  end         = "2026-02-02T00:00:00Z"
  project_ids = [var.project, var.admin]
}
