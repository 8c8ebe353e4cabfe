resource "tenancy_workspace_domain" "long" {
  name = "0123456789012345678901234567890123456789012345678901234567890123x"
}

resource "tenancy_workspace_domain" "reserved" {
  name = "Federated"
}

resource "tenancy_tenant_project" "blank" {
  name = "web "
}

resource "tenancy_tenant_project" "empty" {
  name = ""
}

resource "tenancy_tenant_project" "tag" {
  name = "web"
  tags = ["a/b"]
}

resource "tenancy_tenant_project" "property" {
  name       = "web"
  properties = { enabled = "yes" }
}

resource "tenancy_tenant_project" "choice" {
  name       = "web"
  on_destroy = "explode"
}

resource "tenancy_project_group_binding" "no_scope" {
  group = { name = "users" }
  roles = ["member"]
}

resource "tenancy_project_group_binding" "two_groups" {
  project_id = "x"
  group      = { name = "users" }
  group_id   = "y"
  roles      = ["member"]
}

resource "tenancy_project_group_binding" "group_name" {
  project_id = "x"
  group      = { name = " users" }
  roles      = ["member"]
}

resource "tenancy_project_group_binding" "system" {
  system    = true
  inherited = true
  group_id  = "x"
  roles     = ["member"]
}

resource "tenancy_project_group_binding" "role" {
  project_id = "x"
  group_id   = "x"
  roles      = [""]
}

data "tenancy_domain" "both" {
  id   = "x"
  name = "x"
}

data "tenancy_project" "neither" {}

resource "tenancy_federated_user" "blank" {
  name              = "jane "
  identity_provider = ""
  protocol          = "openid"
}

# The quoted form is three times as long.
resource "tenancy_federated_user" "long" {
  name              = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"
  identity_provider = "aad"
  protocol          = "openid"
}

resource "tenancy_federated_user" "long_id" {
  name              = "jane"
  unique_id         = "äääääääääääääääääääääääääääääääääääääääääää"
  identity_provider = "aad"
  protocol          = "openid"
}

data "tenancy_user" "two" {
  id   = "x"
  name = "x"
}

data "tenancy_user" "half" {
  unique_id = "x"
}

resource "tenancy_quota_set" "negative" {
  project_id    = "x"
  compute       = { cores = -2 }
  block_storage = { volume_types = { ssd = { gigabytes = -5 } } }
  extra         = { network = { trunk = -3 } }
}

resource "tenancy_quota_set" "attribute" {
  project_id = "x"
  extra      = { block_storage = { gigabytes_ssd = 5 } }
}

resource "tenancy_quota_set" "service" {
  project_id = "x"
  extra      = { nova = { cores = 5 } }
}

resource "tenancy_quota_defaults" "service" {
  extra = { network = { trunk = 5 } }
}

data "tenancy_quota_usage" "neither" {
  services = ["compute"]
}

data "tenancy_quota_usage" "service" {
  project_id = "x"
  services   = ["nova"]
}
