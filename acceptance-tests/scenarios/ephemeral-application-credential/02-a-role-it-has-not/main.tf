ephemeral "tenancy_application_credential" "run" {
  roles = ["creator"]
}
