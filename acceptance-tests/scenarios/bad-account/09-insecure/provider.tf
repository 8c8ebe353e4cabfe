provider "tenancy" {
  insecure = true
}
