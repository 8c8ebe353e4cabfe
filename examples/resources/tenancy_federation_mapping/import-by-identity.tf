import {
  to       = tenancy_federation_mapping.aad
  identity = { id = "aad" }
}
