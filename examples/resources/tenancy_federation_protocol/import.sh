# By identity provider and protocol.
terraform import tenancy_federation_protocol.openid aad/openid
