resource "tenancy_federation_mapping" "hcl" {
  id = "${var.prefix}-hcl"
  rules = jsonencode([
    {
      remote = [
        { type = "HTTP_OIDC_SUB" },
        { type = "HTTP_OIDC_EMAIL" },
        { type = "HTTP_OIDC_GROUPS", regex = true, whitelist = ["^vo-"] },
        { type = "HTTP_OIDC_ISS", any_one_of = ["https://a.example", "https://b.example"] },
      ]
      local = [
        { user = { name = "{0}", email = "{1}", type = null } },
        { groups = "{2}", domain = { name = "Default" } },
        { group = { id = tenancy_project_group_binding.users.group_id } },
      ]
    },
  ])
}

resource "tenancy_federation_mapping" "json" {
  id             = "${var.prefix}-json"
  schema_version = "3.0"
  rules          = <<-END
    [ { "local": [ { "user": { "name": "{0}" } }, { "projects_json": "{1}" } ],
        "remote": [ { "type": "HTTP_OIDC_SUB" }, { "type": "HTTP_OIDC_PROJECTS" } ] } ]
  END
}

resource "tenancy_project_group_binding" "users" {
  domain_id = "default"
  group     = { name = "${var.prefix}-users", domain_id = "default" }
  roles     = ["reader"]
}
