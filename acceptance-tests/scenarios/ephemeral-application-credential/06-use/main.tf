ephemeral "tenancy_application_credential" "run" {
  description = "One run of ${var.prefix}"
  roles       = ["admin"]
  ttl         = "10m"

  lifecycle {
    postcondition {
      condition     = startswith(self.name, "tenancy-") && length(self.secret) > 40 && !self.unrestricted
      error_message = "This is not what was asked for."
    }
    postcondition {
      condition = alltrue([
        timecmp(self.expires_at, timeadd(plantimestamp(), "8m")) > 0,
        timecmp(self.expires_at, timeadd(plantimestamp(), "30m")) < 0,
      ])
      error_message = "It does not live ten minutes."
    }
  }
}

provider "tenancy" {
  alias                         = "run"
  auth_url                      = ephemeral.tenancy_application_credential.run.auth_url
  application_credential_id     = ephemeral.tenancy_application_credential.run.id
  application_credential_secret = ephemeral.tenancy_application_credential.run.secret
}

resource "tenancy_tenant_project" "web" {
  provider   = tenancy.run
  name       = "${var.prefix}-web"
  domain_id  = "default"
  on_destroy = "delete"
}

# Where the scenario finds what no state may hold.
resource "terraform_data" "id" {
  provisioner "local-exec" {
    command     = "printf %s \"$SECRET\" > id.saved"
    environment = { SECRET = ephemeral.tenancy_application_credential.run.id }
  }
}

# Where the scenario finds what no state may hold.
resource "terraform_data" "secret" {
  provisioner "local-exec" {
    command     = "printf %s \"$SECRET\" > secret.secret"
    environment = { SECRET = ephemeral.tenancy_application_credential.run.secret }
  }
}
