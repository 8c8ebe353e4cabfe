import {
  to       = tenancy_federated_user.jane
  identity = { id = "5e3f38514e54464e9efa5060cae9db1e" }
}
