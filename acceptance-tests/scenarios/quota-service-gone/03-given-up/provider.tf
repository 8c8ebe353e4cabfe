variable "user" {
  type = string
}

variable "password" {
  type = string
}

variable "project" {
  type = string
}

provider "tenancy" {
  user_id    = var.user
  password   = var.password
  project_id = var.project
}
