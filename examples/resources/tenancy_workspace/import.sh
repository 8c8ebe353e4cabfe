# By the domain's name: the workspace owns the domain. All its projects become tenants.
terraform import tenancy_workspace.acme acme

# By the domain's id: the domain stays somebody else's.
terraform import tenancy_workspace.science 4a3b1d0f6c5e4f0e9d8c7b6a59483726
