resource "tenancy_tenant_project" "lab" {
  name       = "${var.prefix}-lab"
  domain_id  = "default"
  on_destroy = "purge"
}

resource "tenancy_project_group_binding" "users" {
  project_id = tenancy_tenant_project.lab.id
  group      = { name = "${var.prefix}-users", domain_id = "default" }
  roles      = ["reader"]
}
