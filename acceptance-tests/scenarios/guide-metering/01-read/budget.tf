variable "budget" {
  description = "What a project may cost in a month."
  type        = number
  default     = 500
}

locals {
  over = [
    for project in data.tenancy_metered_usage.month.projects : "${project.name} (${project.cost})"
    if project.cost > var.budget
  ]
}

check "budget" {
  assert {
    condition     = length(local.over) == 0
    error_message = "Over budget: ${join(", ", local.over)}."
  }
}
