# By name.
terraform import tenancy_workspace_domain.acme acme

# By id.
terraform import tenancy_workspace_domain.acme 4a3b1d0f6c5e4f0e9d8c7b6a59483726
