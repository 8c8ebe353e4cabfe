data "tenancy_metered_usage" "month" {
  start = "2026-02-01T00:00:00Z"
  end   = "2026-03-01T00:00:00Z"
  mode  = "per_project"
}

output "used" {
  value = { for id, it in data.tenancy_metered_usage.month.projects : it.name => it.totals }
}
