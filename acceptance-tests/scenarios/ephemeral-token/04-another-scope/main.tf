ephemeral "tenancy_token" "system" {
  system = true

  lifecycle {
    postcondition {
      condition     = self.system && self.project_id == null && contains(self.roles, "admin")
      error_message = "This is no token of the system."
    }
    postcondition {
      condition     = self.user_name == "${var.prefix}-account" && timecmp(self.expires_at, plantimestamp()) > 0
      error_message = "This is nobody's token."
    }
  }
}

provider "tenancy" {
  alias        = "system"
  auth_url     = ephemeral.tenancy_token.system.auth_url
  token        = ephemeral.tenancy_token.system.token
  system_scope = true
}

resource "tenancy_tenant_project" "web" {
  provider  = tenancy.system
  name      = "${var.prefix}-web"
  domain_id = "default"
}

# Where the scenario finds what no state may hold.
resource "terraform_data" "system" {
  provisioner "local-exec" {
    command     = "printf %s \"$SECRET\" > system.secret"
    environment = { SECRET = ephemeral.tenancy_token.system.token }
  }
}
