data "tenancy_catalog" "compute" {
  types         = ["compute"]
  with_versions = true
}

output "newest_microversion_of_nova" {
  value = one([
    for version in data.tenancy_catalog.compute.services["compute"].versions : version.max_microversion
    if version.status == "CURRENT"
  ])
}
