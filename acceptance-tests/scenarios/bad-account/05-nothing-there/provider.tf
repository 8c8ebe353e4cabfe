provider "tenancy" {
  auth_url = "keystone.example"
}
