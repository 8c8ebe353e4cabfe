# What a workspace has no word for refers to its ids.
resource "tenancy_project_group_binding" "operators" {
  project_id = tenancy_workspace.acme.tenants["web"].project_id
  group      = { name = "${var.workspace}-operators", domain_id = tenancy_workspace.acme.domain_id }
  roles      = ["reader"]
}
