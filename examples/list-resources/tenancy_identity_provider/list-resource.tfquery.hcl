list "tenancy_identity_provider" "all" {
  provider = tenancy
}
