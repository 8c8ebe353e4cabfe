moved {
  from = openstack_identity_project_v3.workspace
  to   = tenancy_workspace_domain.workspace
}

moved {
  from = openstack_identity_project_v3.web
  to   = tenancy_tenant_project.web
}

# The group becomes the binding that owns it. Its role and its member are found, and leave the state.
moved {
  from = openstack_identity_group_v3.users
  to   = tenancy_project_group_binding.users
}

removed {
  from = openstack_identity_role_assignment_v3.users
  lifecycle {
    destroy = false
  }
}

removed {
  from = openstack_identity_user_membership_v3.jane
  lifecycle {
    destroy = false
  }
}

moved {
  from = openstack_identity_user_v3.jane
  to   = tenancy_federated_user.jane
}

# One of the four becomes the quota set. The limits of all services are found.
moved {
  from = openstack_compute_quotaset_v2.web
  to   = tenancy_quota_set.web
}

removed {
  from = openstack_blockstorage_quotaset_v3.web
  lifecycle {
    destroy = false
  }
}

removed {
  from = openstack_networking_quota_v2.web
  lifecycle {
    destroy = false
  }
}

removed {
  from = openstack_lb_quota_v2.web
  lifecycle {
    destroy = false
  }
}
