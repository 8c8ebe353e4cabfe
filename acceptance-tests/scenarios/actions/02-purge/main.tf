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

variable "jane" {
  type = string
}

action "tenancy_purge_project" "lab" {
  config {
    project_id = tenancy_tenant_project.lab.id
    timeout    = "5m"
  }
}

action "tenancy_revoke_user" "jane" {
  config {
    user_id = var.jane
  }
}
