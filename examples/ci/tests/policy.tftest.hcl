# What every change must keep to. No cloud is asked: the provider is a mock, and the tenants are the ones that the change
# would give.

mock_provider "tenancy" {}

run "the_rules_of_the_house" {
  command = plan

  assert {
    condition     = alltrue([for binding in tenancy_project_group_binding.owners : length(binding.members) > 0])
    error_message = "A tenant without an owner is nobody's."
  }

  assert {
    condition     = sum([for quota in tenancy_quota_set.this : quota.compute.cores]) <= 200
    error_message = "The workspace has bought 200 cores."
  }

  assert {
    condition = alltrue([
      for binding in tenancy_project_group_binding.users : !contains(binding.roles, "admin")
    ])
    error_message = "Nobody is an administrator of the cloud through a tenant."
  }
}

run "a_cost_centre_is_checked" {
  command = plan

  variables {
    tenants = { odd = { cost_centre = "none", owners = ["admin"] } }
  }

  expect_failures = [var.tenants]
}
