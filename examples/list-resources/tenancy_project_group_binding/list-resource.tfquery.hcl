# Groups that have roles on the projects of one domain.
list "tenancy_project_group_binding" "acme" {
  provider = tenancy

  config {
    projects_in_domain_id = "default"
    group_name_prefix     = "acme-"
  }
}
