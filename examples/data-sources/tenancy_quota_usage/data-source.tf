data "tenancy_project" "web" {
  name = "web"
}

data "tenancy_quota_usage" "web" {
  project_id = data.tenancy_project.web.id
  services   = ["compute", "block_storage", "network"]
}

# Cores in use, such as "12 of 20".
output "cores" {
  value = format(
    "%d of %d",
    data.tenancy_quota_usage.web.projects[data.tenancy_project.web.id].compute["cores"].in_use,
    data.tenancy_quota_usage.web.projects[data.tenancy_project.web.id].compute["cores"].limit,
  )
}
