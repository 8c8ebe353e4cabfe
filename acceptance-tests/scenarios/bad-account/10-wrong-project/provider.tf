provider "tenancy" {
  project_name        = "nothing"
  project_domain_name = "Default"
}
