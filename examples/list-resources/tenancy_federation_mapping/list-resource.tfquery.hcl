list "tenancy_federation_mapping" "company" {
  provider         = tenancy
  include_resource = true

  config {
    id_prefix = "company"
  }
}
