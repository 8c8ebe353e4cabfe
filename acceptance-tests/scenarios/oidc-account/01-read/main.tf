data "tenancy_project" "web" {
  id = var.project
}
