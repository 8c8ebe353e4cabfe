ephemeral "tenancy_application_credential" "run" {
  roles = ["creator"]
}

ephemeral "tenancy_application_credential" "odd" {
  access_rules = [
    { service = "identity", method = "FETCH", path = "/v3/roles" },
  ]
}

ephemeral "tenancy_application_credential" "past" {
  expires_at = "2020-01-01T00:00:00Z"
}
