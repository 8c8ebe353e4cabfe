# By name, in a domain that is given by name or id.
terraform import tenancy_tenant_project.web acme/web

# By id.
terraform import tenancy_tenant_project.web 9f8e7d6c5b4a39281706f5e4d3c2b1a0
