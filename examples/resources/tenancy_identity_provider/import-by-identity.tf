import {
  to       = tenancy_identity_provider.aad
  identity = { id = "aad" }
}
