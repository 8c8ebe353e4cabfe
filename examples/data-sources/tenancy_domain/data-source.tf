data "tenancy_domain" "default" {
  name = "Default"
}

output "default_domain_id" {
  value = data.tenancy_domain.default.id
}
