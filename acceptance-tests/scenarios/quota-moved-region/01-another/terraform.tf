terraform {
  required_providers {
    openstack = {
      source = "terraform-provider-openstack/openstack"
    }
    tenancy = {
      source = "tenancy/tenancy"
    }
  }
}
