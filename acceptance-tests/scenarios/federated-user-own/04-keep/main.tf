variable "provider_id" {
  type = string
}

resource "tenancy_federated_user" "robot" {
  name              = "${var.prefix}-robot"
  domain_id         = "default"
  identity_provider = var.provider_id
  protocol          = "openid"
  on_destroy        = "keep"
}
