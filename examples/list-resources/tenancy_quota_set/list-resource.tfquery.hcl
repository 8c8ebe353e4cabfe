# What the projects of one domain may use, with all limits of all services.
list "tenancy_quota_set" "acme" {
  provider         = tenancy
  include_resource = true

  config {
    domain_id = "default"
    tags      = ["prod"]
  }
}
