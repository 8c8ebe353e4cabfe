variable "nova" {
  type = string
}

provider "tenancy" {
  endpoints = { compute = var.nova }
}
