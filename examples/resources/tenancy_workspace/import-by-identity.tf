import {
  to = tenancy_workspace.science
  identity = {
    domain_id = "4a3b1d0f6c5e4f0e9d8c7b6a59483726"
  }
}
