variable "reader" {
  type = string
}

variable "password" {
  type      = string
  sensitive = true
}

data "tenancy_metered_usage" "objects" {
  start    = "2026-01-01T00:00:00Z"
  services = ["object_store"]
}
