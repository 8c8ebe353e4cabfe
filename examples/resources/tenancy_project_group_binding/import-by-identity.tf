import {
  to = tenancy_project_group_binding.auditors
  identity = {
    domain_id = "4a3b1d0f6c5e4f0e9d8c7b6a59483726"
    group_id  = "0b1c2d3e4f5061728394a5b6c7d8e9f0"
    inherited = true
  }
}
