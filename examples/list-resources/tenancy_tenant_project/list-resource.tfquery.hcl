# Projects of one domain whose name starts with `acme-`, whole: for `-generate-config-out`.
list "tenancy_tenant_project" "acme" {
  provider         = tenancy
  include_resource = true
  limit            = 1000

  config {
    domain_id   = "default"
    name_prefix = "acme-"
  }
}
