provider "tenancy" {
  token = var.token
}
