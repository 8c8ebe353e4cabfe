provider "tenancy" {
  cloud = "nowhere"
}
