# Whole workspaces: domains that carry the tag `workspace`, with all their projects.
list "tenancy_workspace" "all" {
  provider         = tenancy
  include_resource = true

  config {
    tags = ["workspace"]
  }
}
