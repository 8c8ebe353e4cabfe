ephemeral "tenancy_token" "both" {
  project_name = "admin"
  system       = true
}
