# "jane%40example.org"
output "stored_unique_id" {
  value = provider::tenancy::stored_unique_id("jane@example.org")
}
