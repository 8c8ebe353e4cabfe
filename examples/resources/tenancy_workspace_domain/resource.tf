resource "tenancy_workspace_domain" "acme" {
  name        = "acme"
  description = "Workspace of Acme"
  tags        = ["workspace"]

  # Destroying it is refused as long as a project, a group or a user is in it.
  on_destroy = "refuse_if_not_empty"
}
