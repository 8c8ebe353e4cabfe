

data "tenancy_role" "member" {
  name = "member"
}
