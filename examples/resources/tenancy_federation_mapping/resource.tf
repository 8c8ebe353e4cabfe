# Whoever logs in is the user of that name, and in the groups that a claim names.
resource "tenancy_federation_mapping" "aad" {
  id = "aad"
  rules = [
    {
      local = [
        { user = { name = "{0}", email = "{1}" } },
        { groups = "{2}", domain = { name = "partners" } },
      ]
      remote = [
        { type = "HTTP_OIDC_SUB" },
        { type = "HTTP_OIDC_EMAIL" },
        { type = "HTTP_OIDC_GROUPS", whitelist = ["^partners-"], regex = true },
        { type = "HTTP_OIDC_ISS", any_one_of = ["https://sts.windows.net/6f1d2c3b-4a59-4e8d-9c7b-0a1b2c3d4e5f/"] },
      ]
    },
  ]
}

# The same in JSON, as other tools write it.
resource "tenancy_federation_mapping" "egi" {
  id    = "egi"
  rules = <<-END
    [
      {
        "local": [{ "user": { "name": "{0}" } }],
        "remote": [{ "type": "HTTP_OIDC_SUB" }]
      }
    ]
  END
}
