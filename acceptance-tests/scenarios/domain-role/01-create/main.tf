variable "domain" {
  type = string
}

resource "tenancy_tenant_project" "web" {
  name      = "${var.prefix}-web"
  domain_id = var.domain
}

resource "tenancy_project_group_binding" "users" {
  project_id = tenancy_tenant_project.web.id
  group      = { name = "${var.prefix}-web-users", domain_id = var.domain }
  roles      = ["${var.prefix}-acme/${var.prefix}-operator", "member"]
}

resource "tenancy_project_group_binding" "system" {
  system   = true
  group_id = tenancy_project_group_binding.users.group_id
  roles    = ["reader"]
}
