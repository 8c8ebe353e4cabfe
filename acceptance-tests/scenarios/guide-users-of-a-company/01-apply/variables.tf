variable "users_domain" {
  description = "Name of the domain in which the people live."
  type        = string
  default     = "MeshUsers"
}

variable "workspace" {
  description = "Name of the workspace: a domain of its own in Keystone."
  type        = string
  default     = "acme"
}

variable "identity_provider" {
  description = "Keystone's id of the identity provider. It is part of the URL at which people log in."
  type        = string
  default     = "aad"
}

variable "issuer" {
  description = "How the identity provider calls itself, in the claim `iss`."
  type        = string
  default     = "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000/v2.0"
}

variable "people" {
  description = "Who is a user before the first login: e-mail addresses, exactly as the identity provider writes them."
  type        = set(string)
  default     = ["jane@example.org", "joe@example.org"]
}

variable "members" {
  description = "Who may use the project."
  type        = set(string)
  default     = ["jane@example.org", "joe@example.org", "kim@example.org"]
}

variable "admins" {
  description = "Who may administer it. Those who are not there yet are made."
  type        = set(string)
  default     = ["lee@example.org"]
}
