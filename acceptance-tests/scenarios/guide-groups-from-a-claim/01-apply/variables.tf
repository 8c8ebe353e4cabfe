variable "workspace" {
  description = "Name of the workspace: a domain of its own in Keystone."
  type        = string
  default     = "acme"
}

variable "identity_provider" {
  description = "Keystone's id of the identity provider. It is part of the URL at which people log in."
  type        = string
  default     = "meshcloud"
}

variable "issuer" {
  description = "How the identity provider calls itself, in the claim `iss`."
  type        = string
  default     = "https://idp.example.org/realms/mesh"
}
