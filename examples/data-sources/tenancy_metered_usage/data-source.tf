# What every project used in October, what that costs, and a table of it.
data "tenancy_metered_usage" "october" {
  start    = "2026-10-01T00:00:00Z"
  end      = "2026-11-01T00:00:00Z"
  services = ["compute", "volume", "floating_ip"]
  prices = {
    vcpu_hours        = 0.01
    ram_mib_hours     = 0.000005
    floating_ip_hours = 0.004
    volume_gib_hours  = { ssd = 0.0002, hdd = 0.00005 }
  }
  renderings = ["csv"]
}

output "october" {
  description = "A row for each project, unit and kind: ready for a spreadsheet or a chart."
  value       = data.tenancy_metered_usage.october.csv
}

output "cost" {
  value = { for project in data.tenancy_metered_usage.october.projects : project.name => project.cost }
}

# Every plan and apply says who is over budget, and goes on.
variable "budget" {
  description = "What a project may cost in a month."
  type        = number
  default     = 500
}

check "budget" {
  assert {
    condition = alltrue([
      for project in data.tenancy_metered_usage.october.projects : project.cost <= var.budget
    ])
    error_message = "Over budget: ${join(", ", [
      for project in data.tenancy_metered_usage.october.projects : "${project.name} (${project.cost})"
      if project.cost > var.budget
    ])}."
  }
}

# A point for each project and day: the lines of a chart.
locals {
  days = [for day in range(7) : timeadd("2026-10-01T00:00:00Z", "${24 * day}h")]
}

data "tenancy_metered_usage" "day" {
  for_each = toset(local.days)

  start      = each.key
  end        = timeadd(each.key, "24h")
  services   = ["compute"]
  renderings = []
}

output "vcpu_hours_per_day" {
  value = join("\n", concat(["day,project,vcpu_hours"], flatten([
    for day in local.days : [
      for project in data.tenancy_metered_usage.day[day].projects :
      "${formatdate("YYYY-MM-DD", day)},${project.name},${project.totals.vcpu_hours}"
    ]
  ])))
}

# An accounting infrastructure such as EGI's takes records of servers, addresses and volumes.
data "tenancy_metered_usage" "accounting" {
  start      = "2026-10-01T00:00:00Z"
  end        = "2026-11-01T00:00:00Z"
  services   = ["compute", "volume", "floating_ip"]
  renderings = ["cloud_records", "ip_records", "storage_records"]
  accounting = { site_name = "EXAMPLE-CLOUD" }
}

output "cloud_records" {
  value = data.tenancy_metered_usage.accounting.cloud_records
}
