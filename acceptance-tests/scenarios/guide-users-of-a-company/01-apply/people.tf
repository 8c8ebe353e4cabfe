resource "tenancy_federated_user" "this" {
  for_each          = var.people
  name              = each.key
  email             = each.key
  domain_id         = tenancy_workspace_domain.users.id
  identity_provider = tenancy_identity_provider.company.id
  protocol          = tenancy_federation_protocol.openid.protocol
}
