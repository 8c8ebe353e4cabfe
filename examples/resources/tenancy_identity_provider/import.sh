# By id.
terraform import tenancy_identity_provider.aad aad
