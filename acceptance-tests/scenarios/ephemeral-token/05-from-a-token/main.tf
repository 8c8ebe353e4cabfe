resource "tenancy_tenant_project" "web" {
  name       = "${var.prefix}-web"
  domain_id  = "default"
  on_destroy = "delete"
}

ephemeral "tenancy_token" "project" {
  project_name        = "admin"
  project_domain_name = "Default"
}

# This provider has a token, and no other credentials.
provider "tenancy" {
  alias    = "project"
  auth_url = ephemeral.tenancy_token.project.auth_url
  token    = ephemeral.tenancy_token.project.token
}

# It is exchanged for another, so that the given one stays good when this one is revoked.
ephemeral "tenancy_token" "again" {
  provider = tenancy.project

  lifecycle {
    postcondition {
      condition     = self.project_name == "admin" && self.token != ephemeral.tenancy_token.project.token
      error_message = "This is no other token."
    }
  }
}

# The same, for another project.
ephemeral "tenancy_token" "web" {
  provider   = tenancy.project
  project_id = tenancy_tenant_project.web.id

  lifecycle {
    postcondition {
      condition     = self.project_id == tenancy_tenant_project.web.id && self.roles == tolist(["reader"])
      error_message = "This is no token of the project."
    }
  }
}

data "tenancy_role" "member" {
  provider = tenancy.project
  name     = "member"
}

resource "terraform_data" "project" {
  provisioner "local-exec" {
    command     = "printf %s \"$SECRET\" > project.secret"
    environment = { SECRET = ephemeral.tenancy_token.project.token }
  }
}

resource "terraform_data" "again" {
  provisioner "local-exec" {
    command     = "printf %s \"$SECRET\" > again.secret"
    environment = { SECRET = ephemeral.tenancy_token.again.token }
  }
}

resource "terraform_data" "web" {
  provisioner "local-exec" {
    command     = "printf %s \"$SECRET\" > web.secret"
    environment = { SECRET = ephemeral.tenancy_token.web.token }
  }
}
