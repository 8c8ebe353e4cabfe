variable "reader" {
  type = string
}

variable "password" {
  type      = string
  sensitive = true
}

data "tenancy_metered_usage" "reader" {
  source = "gnocchi"
  start  = "2026-02-01T00:00:00Z"
  end    = "2026-02-02T00:00:00Z"
}
