terraform {
  required_providers {
    tenancy = {
      source = "tenancy/tenancy"
    }
  }
}
