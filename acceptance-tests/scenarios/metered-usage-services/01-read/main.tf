variable "project" {
  type = string
}

variable "admin" {
  type = string
}

data "tenancy_metered_usage" "project" {
  start       = "2026-01-01T00:00:00Z"
  end         = "2996-01-01T00:00:00Z"
  project_ids = [var.project]
  detail      = true
}

# The public image is the administrator's.
data "tenancy_metered_usage" "images" {
  start       = "2026-01-01T00:00:00Z"
  end         = "2996-01-01T00:00:00Z"
  project_ids = [var.admin]
  services    = ["image"]
  detail      = true
}

locals {
  samples = { for it in data.tenancy_metered_usage.project.samples : it.service => it }
  image   = one([for it in data.tenancy_metered_usage.images.samples : it if it.resource_name == "cirros-like"])
}

output "samples" {
  value = { for service, it in local.samples : service => merge(it.traits, { kind = it.kind, grade = it.grade }) }
}

# As in the arithmetic of whoever pays: hours times what there is.
output "adds_up" {
  value = {
    load_balancer = local.samples["load_balancer"].amounts.load_balancer_hours == local.samples["load_balancer"].hours
    dns_zone      = local.samples["dns_zone"].amounts.dns_zone_hours == local.samples["dns_zone"].hours
    # A MiB, but for the sixth decimal.
    image = abs(local.image.amounts.image_gib_hours - local.image.hours / 1024) < 0.00001
  }
}
