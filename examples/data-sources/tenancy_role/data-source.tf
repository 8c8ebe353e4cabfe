data "tenancy_role" "member" {
  name = "member"
}

output "member_role_id" {
  value = data.tenancy_role.member.id
}
