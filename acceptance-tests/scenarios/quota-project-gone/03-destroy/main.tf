resource "tenancy_tenant_project" "own" {
  name = "${var.prefix}-own"
}

resource "tenancy_quota_set" "own" {
  project_id = tenancy_tenant_project.own.id
  network    = { networks = 3 }
}
