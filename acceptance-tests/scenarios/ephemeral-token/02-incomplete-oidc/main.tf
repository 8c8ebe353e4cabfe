ephemeral "tenancy_token" "oidc" {
  oidc = {
    identity_provider = "devidp"
    protocol          = "openid"
    client_id         = "keystone"
    username          = "alice"
  }
}
