variable "reader" {
  type = string
}

variable "password" {
  type      = string
  sensitive = true
}

data "tenancy_metered_usage" "reader" {
  source = "cloudkitty"
  start  = "2026-02-01T00:00:00Z"
  end    = "2026-02-02T00:00:00Z"
}

# The services themselves are asked project by project, too.
data "tenancy_metered_usage" "services" {
  start    = "2026-02-01T00:00:00Z"
  end      = "2026-02-02T00:00:00Z"
  services = ["volume"]
}
