provider "tenancy" {
  user_id    = var.user
  password   = var.password
  project_id = var.project
}
