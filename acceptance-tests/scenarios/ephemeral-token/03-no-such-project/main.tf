ephemeral "tenancy_token" "lost" {
  project_name = "${var.prefix}-nowhere"
}
