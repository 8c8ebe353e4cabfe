variable "projects" {
  description = "Ids of the projects to meter."
  type        = set(string)
}

variable "month" {
  description = "The month to meter, such as 2026-10."
  type        = string
}

locals {
  start = "${var.month}-01T00:00:00Z"
  # The first of the next month: 31 days later it has begun.
  end = formatdate("YYYY-MM'-01T00:00:00Z'", timeadd(local.start, "744h"))
}

data "tenancy_metered_usage" "month" {
  start       = local.start
  end         = local.end
  project_ids = var.projects

  prices = {
    vcpu_hours       = 0.011
    ram_mib_hours    = 0.000002
    volume_gib_hours = { ssd = 0.0002, "__DEFAULT__" = 0.0001 }
  }
  renderings = ["csv", "focus_csv"]
  billing    = { currency = "EUR", provider = "Example Cloud" }
}

output "table" {
  value = data.tenancy_metered_usage.month.csv
}

output "costs" {
  value = { for id, project in data.tenancy_metered_usage.month.projects : project.name => project.cost }
}
