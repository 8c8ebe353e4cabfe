variable "later" {
  type = string
}

resource "tenancy_identity_provider" "slash" {
  id                = "a/b"
  authorization_ttl = -1
  remote_ids        = ["https://A.example", "https://a.example"]
}

resource "tenancy_federation_mapping" "shape" {
  id = "0123456789012345678901234567890123456789012345678901234567890123x"
  rules = [
    { local = [{ user = { name = "{1}" } }], remote = [{ type = "HTTP_OIDC_SUB" }] },
    {
      local  = [{ group = { name = "all" } }, { groups = var.later }]
      remote = [{ type = "A", any_one_of = ["x"], whitelist = ["x"] }]
    },
  ]
}

resource "tenancy_federation_mapping" "version" {
  id             = "version"
  schema_version = "4.0"
  rules          = jsonencode([{ local = [], remote = [{ type = "A" }] }])
}

resource "tenancy_federation_mapping" "old" {
  id = "old"
  rules = jsonencode([
    {
      local  = [{ projects = [{ name = "p", roles = [], domain = { id = "default" } }] }]
      remote = [{ type = "A" }]
    }
  ])
}

resource "tenancy_federation_mapping" "text" {
  id    = "text"
  rules = "[{"
}

resource "tenancy_federation_protocol" "empty" {
  identity_provider = "aad"
  protocol          = ""
  mapping           = "aad"
}
