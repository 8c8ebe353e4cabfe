# By id.
terraform import tenancy_federation_mapping.aad aad
