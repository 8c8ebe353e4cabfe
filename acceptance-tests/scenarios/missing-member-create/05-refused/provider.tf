provider "tenancy" {
  missing_users = "create"
  federation = {
    identity_provider = "${var.prefix}-aad"
    protocol          = "openid"
  }
}
