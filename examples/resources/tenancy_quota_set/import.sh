# By the project, as domain/project.
terraform import tenancy_quota_set.web acme/web

# By the project's id.
terraform import tenancy_quota_set.web 9f8e7d6c5b4a39281706f5e4d3c2b1a0
