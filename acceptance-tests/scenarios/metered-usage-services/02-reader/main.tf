variable "reader" {
  type = string
}

variable "password" {
  type      = string
  sensitive = true
}

data "tenancy_metered_usage" "reader" {
  start  = "2026-01-01T00:00:00Z"
  end    = "2996-01-01T00:00:00Z"
  detail = true
}

locals {
  samples = { for it in data.tenancy_metered_usage.reader.samples : it.service => it }
}

output "services" {
  value = keys(local.samples)
}

output "stack" {
  value = merge(local.samples["stack"].traits, {
    adds_up = local.samples["stack"].amounts.stack_hours == local.samples["stack"].hours
  })
}
