# By the identity: federated:IDENTITY_PROVIDER/PROTOCOL/UNIQUE_ID, the unique id as the identity provider has it. Needed
# for a user with several identities.
terraform import tenancy_federated_user.jane federated:aad/openid/jane@example.org

# By name, in a domain that is given by name or id.
terraform import tenancy_federated_user.jane people/jane@example.org

# By id.
terraform import tenancy_federated_user.jane 5e3f38514e54464e9efa5060cae9db1e
