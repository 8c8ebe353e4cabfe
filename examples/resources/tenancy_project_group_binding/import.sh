# By domain, project and group, all by name: the binding owns the group.
terraform import tenancy_project_group_binding.users acme/web/acme-web-users

# By the ids of project and group: the group stays somebody else's.
terraform import tenancy_project_group_binding.users 9f8e7d6c5b4a39281706f5e4d3c2b1a0/0b1c2d3e4f5061728394a5b6c7d8e9f0

# On a domain. Inherited roles have their own bindings.
terraform import tenancy_project_group_binding.auditors inherited:domain:acme/0b1c2d3e4f5061728394a5b6c7d8e9f0

# On the system.
terraform import tenancy_project_group_binding.operators system/0b1c2d3e4f5061728394a5b6c7d8e9f0
