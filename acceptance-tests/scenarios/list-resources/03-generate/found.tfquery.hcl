list "tenancy_tenant_project" "found" {
  provider         = tenancy
  include_resource = true

  config {
    domain_id   = var.domain
    name_prefix = "${var.prefix}-found"
  }
}
