variable "user_id" {
  type = string
}

# Invoked by hand: terraform apply -invoke=action.tenancy_revoke_user.leaver
action "tenancy_revoke_user" "leaver" {
  config {
    user_id = var.user_id
    disable = true
  }
}
