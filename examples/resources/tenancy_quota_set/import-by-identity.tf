import {
  to       = tenancy_quota_set.web
  identity = { project_id = "9f8e7d6c5b4a39281706f5e4d3c2b1a0" }
}
