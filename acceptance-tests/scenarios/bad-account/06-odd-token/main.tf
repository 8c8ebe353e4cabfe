variable "token" {
  type      = string
  sensitive = true
}

data "tenancy_role" "member" {
  name = "member"
}
