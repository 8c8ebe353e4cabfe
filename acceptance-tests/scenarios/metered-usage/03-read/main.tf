variable "project" {
  type = string
}

data "tenancy_metered_usage" "all" {
  start       = "2026-01-01T00:00:00Z"
  end         = "2996-01-01T00:00:00Z"
  project_ids = [var.project]
  services    = ["volume", "router"]
  renderings  = ["csv", "focus_csv", "storage_records"]
  prices      = { router_hours = 0.5, volume_gib_hours = { "__DEFAULT__" = 2, fast = 3 } }
  billing     = { currency = "EUR", provider = "Lab" }
  accounting  = { site_name = "LAB", vo = "vo.lab" }
}

# Nothing that a stranger has.
data "tenancy_metered_usage" "past" {
  start       = "2026-01-01T00:00:00Z"
  end         = "2026-01-02T00:00:00Z"
  project_ids = [var.project]
}

output "past" {
  value = data.tenancy_metered_usage.past.json
}
