variable "project" {
  type = string
}

data "tenancy_metered_usage" "day" {
  source      = "gnocchi"
  start       = "2026-02-01T00:00:00Z"
  end         = "2026-02-02T00:00:00Z"
  project_ids = [var.project]
  prices      = { vcpu_hours = 0.5 }
}

data "tenancy_metered_usage" "part" {
  source      = "gnocchi"
  start       = "2026-02-01T01:30:00Z"
  end         = "2026-02-01T02:30:00Z"
  project_ids = [var.project]
}

data "tenancy_metered_usage" "detail" {
  source      = "gnocchi"
  start       = "2026-02-01T00:00:00Z"
  end         = "2026-02-02T00:00:00Z"
  project_ids = [var.project]
  services    = ["compute", "volume", "router"]
  detail      = true
}

locals {
  samples = data.tenancy_metered_usage.detail.samples
}

output "servers" {
  value = [for it in local.samples : it if it.service == "compute"]
}

output "volume" {
  value = one([for it in local.samples : it if it.service == "volume"])
}
