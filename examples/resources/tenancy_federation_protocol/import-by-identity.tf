import {
  to = tenancy_federation_protocol.openid
  identity = {
    identity_provider = "aad"
    protocol          = "openid"
  }
}
