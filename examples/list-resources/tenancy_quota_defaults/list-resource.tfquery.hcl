list "tenancy_quota_defaults" "region" {
  provider         = tenancy
  include_resource = true
}
