variable "old" {
  type = string
}

data "tenancy_metered_usage" "weeks" {
  source      = "gnocchi"
  start       = "2026-02-01T00:00:00Z"
  end         = "2026-02-16T00:00:00Z"
  project_ids = [var.old]
}

data "tenancy_metered_usage" "detail" {
  source      = "gnocchi"
  start       = "2026-02-01T00:00:00Z"
  end         = "2026-02-16T00:00:00Z"
  project_ids = [var.old]
  detail      = true
}

output "samples" {
  value = {
    for it in data.tenancy_metered_usage.detail.samples :
    trimprefix(it.resource_id, "${var.prefix}-") => merge({ hours = it.hours }, it.amounts)
  }
}
