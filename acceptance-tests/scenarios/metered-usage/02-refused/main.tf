variable "reader" {
  type = string
}

variable "password" {
  type      = string
  sensitive = true
}

variable "project" {
  type = string
}

provider "tenancy" {
  alias      = "reader"
  user_id    = var.reader
  password   = var.password
  project_id = var.project
}

data "tenancy_metered_usage" "unknown" {
  start       = "2026-02-01T00:00:00Z"
  project_ids = ["00000000000000000000000000000000"]
}

data "tenancy_metered_usage" "domain" {
  start     = "2026-02-01T00:00:00Z"
  domain_id = "00000000000000000000000000000000"
}

data "tenancy_metered_usage" "future" {
  start = "2996-02-01T00:00:00Z"
  end   = "2996-03-01T00:00:00Z"
}

data "tenancy_metered_usage" "all" {
  provider = tenancy.reader
  start    = "2026-02-01T00:00:00Z"
  mode     = "all_projects"
}

data "tenancy_metered_usage" "elsewhere" {
  provider    = tenancy.reader
  start       = "2026-02-01T00:00:00Z"
  project_ids = ["00000000000000000000000000000000"]
}
