ephemeral "tenancy_application_credential" "run" {
  ttl        = "soon"
  expires_at = "2999-01-01T00:00:00Z"
  roles      = []
}
