terraform {
  required_providers {
    tenancy = {
      source = "tenancy/tenancy"
    }
  }
}

# An entry of clouds.yaml. Without it the OS_* variables say where and who.
provider "tenancy" {
  cloud = "mycloud"

  # A second account, which only reads metered usage.
  metering = { cloud = "mycloud-metering" }
}

# Everything in the configuration instead.
provider "tenancy" {
  alias = "inline"

  auth_url            = "https://keystone.example:5000/v3"
  region              = "RegionOne"
  username            = "replicator"
  password            = var.password
  user_domain_name    = "Default"
  project_name        = "admin"
  project_domain_name = "Default"
  ca_certificate      = "/etc/ssl/certs/cloud.pem"
}

variable "password" {
  type      = string
  sensitive = true
}
