variable "url" {
  type = string
}

data "tenancy_role" "member" {
  name = "member"
}
