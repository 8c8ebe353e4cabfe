variable "project" {
  type = string
}

variable "idle" {
  type = string
}

data "tenancy_metered_usage" "day" {
  source      = "cloudkitty"
  start       = "2026-02-01T00:00:00Z"
  end         = "2026-02-02T00:00:00Z"
  project_ids = [var.project, var.idle]
}

data "tenancy_metered_usage" "detail" {
  source      = "cloudkitty"
  start       = "2026-02-01T00:00:00Z"
  end         = "2026-02-01T23:00:00Z"
  project_ids = [var.project]
  services    = ["compute"]
  detail      = true
}

data "tenancy_metered_usage" "volumes" {
  source      = "cloudkitty"
  start       = "2026-02-01T00:00:00Z"
  end         = "2026-02-01T23:00:00Z"
  project_ids = [var.project]
  services    = ["volume"]
  detail      = true
  # What CloudKitty has rated costs what CloudKitty says.
  prices  = { volume_gib_hours = 7 }
  billing = { currency = "EUR", provider = "Example Cloud" }
}

data "tenancy_metered_usage" "ragged" {
  source      = "cloudkitty"
  start       = "2026-02-01T00:30:00Z"
  end         = "2026-02-01T23:00:00Z"
  project_ids = [var.project]
}

locals {
  day = jsondecode(data.tenancy_metered_usage.day.json).projects[var.project]
}

output "server" {
  value = data.tenancy_metered_usage.detail.samples[0]
}

output "other" {
  value = local.day.others["network.outgoing.bytes.rate"]
}

output "until" {
  value = local.day.completeness.compute.until
}

output "costs" {
  value = {
    csv  = [for it in csvdecode(data.tenancy_metered_usage.volumes.csv) : "${it.amount} ${it.unit_price}${it.cost} ${it.currency}"]
    json = [for it in jsondecode(data.tenancy_metered_usage.volumes.json).samples : it.cost]
  }
}
