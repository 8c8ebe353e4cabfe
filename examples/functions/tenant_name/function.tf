# One pattern for the names of all projects.
locals {
  tenants = {
    for project in ["web", "mail"] :
    project => provider::tenancy::tenant_name("{workspace}-{project}", "acme", project)
  }
}

# { mail = "acme-mail", web = "acme-web" }
output "tenants" {
  value = local.tenants
}
