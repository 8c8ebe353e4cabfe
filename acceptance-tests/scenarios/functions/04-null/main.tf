variable "unique_id" {
  type     = string
  nullable = true
}

output "unique_id" {
  value = provider::tenancy::stored_unique_id(var.unique_id)
}
