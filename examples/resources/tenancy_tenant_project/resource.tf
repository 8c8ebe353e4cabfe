resource "tenancy_workspace_domain" "acme" {
  name = "acme"
}

resource "tenancy_tenant_project" "web" {
  name        = "web"
  domain_id   = tenancy_workspace_domain.acme.id
  description = "Web shop"
  tags        = ["prod"]

  # Further keys that Keystone stores with the project. Keys that are not written here are left alone.
  properties = {
    "egi.VO" = "vo.example.org"
  }

  # Destroying it is refused as long as it holds servers, volumes, networks or anything else.
  on_destroy = "refuse_if_not_empty"
}
