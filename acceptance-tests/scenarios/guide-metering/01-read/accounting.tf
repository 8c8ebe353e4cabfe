data "tenancy_metered_usage" "accounting" {
  start       = local.start
  end         = local.end
  project_ids = var.projects
  services    = ["compute", "volume", "floating_ip"]
  renderings  = ["cloud_records", "ip_records", "storage_records"]
  accounting  = { site_name = "EXAMPLE-SITE", compute_service = "example-cloud", vo = "vo.example.org" }
}

locals {
  header  = "APEL-cloud-message: v0.4\n"
  records = data.tenancy_metered_usage.accounting.cloud_records
  # cASO puts at most 100 records into a message.
  parts    = chunklist(split("\n%%\n", trimsuffix(trimprefix(local.records, local.header), "\n")), 100)
  messages = local.records == "" ? [] : [for part in local.parts : "${local.header}${join("\n%%\n", part)}\n"]
}

output "messages" {
  value = local.messages
}
