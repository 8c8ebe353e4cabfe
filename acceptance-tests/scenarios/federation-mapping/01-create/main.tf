resource "tenancy_federation_mapping" "hcl" {
  id = "${var.prefix}-hcl"
  rules = [
    {
      local = [
        { user = { name = "{0}", email = "{1}" } },
        { groups = "{2}", domain = { name = "Default" } },
        { group = { id = tenancy_project_group_binding.users.group_id } },
      ]
      remote = [
        { type = "HTTP_OIDC_SUB" },
        { type = "HTTP_OIDC_EMAIL" },
        { type = "HTTP_OIDC_GROUPS", whitelist = toset(["^vo-"]), regex = true },
        { type = "HTTP_OIDC_ISS", any_one_of = ["https://a.example", "https://b.example"], regex = null },
      ]
    },
  ]
}

resource "tenancy_federation_mapping" "json" {
  id             = "${var.prefix}-json"
  schema_version = "3.0"
  rules = jsonencode([{
    remote = [{ type = "HTTP_OIDC_SUB" }, { type = "HTTP_OIDC_PROJECTS" }]
    local  = [{ user = { name = "{0}" } }, { projects_json = "{1}" }]
  }])
}

# The group's id is not known before the apply.
resource "tenancy_project_group_binding" "users" {
  domain_id = "default"
  group     = { name = "${var.prefix}-users", domain_id = "default" }
  roles     = ["reader"]
}
