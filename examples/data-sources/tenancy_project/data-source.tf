data "tenancy_domain" "acme" {
  name = "acme"
}

data "tenancy_project" "web" {
  name      = "web"
  domain_id = data.tenancy_domain.acme.id
}

output "web_project_id" {
  value = data.tenancy_project.web.id
}
