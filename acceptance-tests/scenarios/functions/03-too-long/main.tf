variable "project" {
  type = string
}

output "name" {
  value = provider::tenancy::tenant_name("{workspace}-{project}", var.prefix, var.project)
}
