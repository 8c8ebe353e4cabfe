data "tenancy_projects" "prod" {
  tags    = ["prod"]
  enabled = true
}

# What these projects may use, and do use.
data "tenancy_quota_usage" "prod" {
  project_ids = data.tenancy_projects.prod.ids
}

output "prod_projects" {
  value = { for id, project in data.tenancy_projects.prod.projects : project.name => id }
}
