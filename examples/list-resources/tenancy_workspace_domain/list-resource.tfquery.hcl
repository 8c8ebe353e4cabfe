# Domains that carry the tag `workspace`.
list "tenancy_workspace_domain" "all" {
  provider = tenancy

  config {
    tags = ["workspace"]
  }
}
