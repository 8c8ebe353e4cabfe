locals {
  days = [
    for day in range(formatdate("D", timeadd(local.end, "-24h"))) : timeadd(local.start, "${24 * day}h")
  ]
}

data "tenancy_metered_usage" "day" {
  for_each = toset(local.days)

  start       = each.key
  end         = timeadd(each.key, "24h")
  project_ids = var.projects
  services    = ["compute"]
  renderings  = []
}

output "chart" {
  value = join("\n", concat(["day,project,vcpu_hours"], flatten([
    for day in local.days : [
      for project in data.tenancy_metered_usage.day[day].projects :
      "${formatdate("YYYY-MM-DD", day)},${project.name},${project.totals.vcpu_hours}"
    ]
  ])))
}
