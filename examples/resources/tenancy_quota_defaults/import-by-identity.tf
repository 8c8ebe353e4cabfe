import {
  to       = tenancy_quota_defaults.region
  identity = { id = "default" }
}
