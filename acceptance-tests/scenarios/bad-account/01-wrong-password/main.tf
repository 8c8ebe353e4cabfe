variable "password" {
  type      = string
  sensitive = true
}

data "tenancy_role" "member" {
  name = "member"
}
