provider "tenancy" {
  missing_users = "fail"
}
