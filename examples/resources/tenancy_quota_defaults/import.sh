# A region has one.
terraform import tenancy_quota_defaults.region default
