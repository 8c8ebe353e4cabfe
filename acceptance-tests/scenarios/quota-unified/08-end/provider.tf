variable "nova" {
  type = string
}

provider "tenancy" {
  endpoints         = { compute = var.nova }
  nova_quota_driver = "unified"
}
