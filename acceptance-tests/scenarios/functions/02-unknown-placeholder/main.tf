output "name" {
  value = provider::tenancy::tenant_name("{tenant}-{project}", var.prefix, "web")
}
