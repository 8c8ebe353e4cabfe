data "tenancy_metered_usage" "backwards" {
  start = "2026-02-01T00:00:00Z"
  end   = "2026-02-01T01:00:00+01:00"
}

data "tenancy_metered_usage" "no_time" {
  start = "2026-02-01"
}

data "tenancy_metered_usage" "both" {
  start       = "2026-02-01T00:00:00Z"
  project_ids = ["0123"]
  domain_id   = "default"
}

data "tenancy_metered_usage" "services" {
  start    = "2026-02-01T00:00:00Z"
  services = ["compute", "lunch"]
}

data "tenancy_metered_usage" "prices" {
  start  = "2026-02-01T00:00:00Z"
  prices = { vcpu_hours = 0.01, vcpus = 1 }
}

data "tenancy_metered_usage" "free" {
  start  = "2026-02-01T00:00:00Z"
  prices = { volume_gib_hours = { ssd = -1 } }
}

data "tenancy_metered_usage" "words" {
  start      = "2026-02-01T00:00:00Z"
  renderings = ["pdf"]
}

data "tenancy_metered_usage" "focus" {
  start      = "2026-02-01T00:00:00Z"
  renderings = ["focus_csv"]
  prices     = { vcpu_hours = 0.01 }
}

data "tenancy_metered_usage" "records" {
  start      = "2026-02-01T00:00:00Z"
  renderings = ["cloud_records"]
}

data "tenancy_metered_usage" "mode" {
  start = "2026-02-01T00:00:00Z"
  mode  = "every_project"
}
