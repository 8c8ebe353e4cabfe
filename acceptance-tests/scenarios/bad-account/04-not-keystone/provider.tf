provider "tenancy" {
  auth_url = var.url
}
