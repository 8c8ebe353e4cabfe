variable "workspace" {
  description = "Name of the workspace's domain."
  type        = string
  default     = "takeover"
}

variable "users_domain_id" {
  description = "Id of the domain in which users live."
  type        = string
  default     = null
}

variable "identity_provider" {
  description = "Keystone's id of the identity provider at which users log in."
  type        = string
  default     = "company"
}

variable "jane" {
  description = "Jane's name (euid)."
  type        = string
  default     = "jane@example.org"
}
