# Users who log in at one identity provider.
list "tenancy_federated_user" "company" {
  provider = tenancy

  config {
    identity_provider = "company"
  }
}
