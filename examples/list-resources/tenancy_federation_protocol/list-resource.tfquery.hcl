list "tenancy_federation_protocol" "company" {
  provider = tenancy

  config {
    identity_provider = "company"
  }
}
