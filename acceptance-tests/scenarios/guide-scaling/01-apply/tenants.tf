variable "workspace" {
  description = "Name of the workspace: a domain of its own in Keystone."
  type        = string
  default     = "acme"
}

variable "tenants" {
  description = "The tenants, by name."
  type = map(object({
    description = string
    networks    = optional(number)
  }))
  default = {
    web  = { description = "The shop", networks = 20 }
    mail = { description = "Mail for everybody" }
  }
}
