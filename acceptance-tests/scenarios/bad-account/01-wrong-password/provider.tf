provider "tenancy" {
  password = var.password
}
