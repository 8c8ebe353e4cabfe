variable "domain" {
  type = string
}

data "tenancy_projects" "of_domain" {
  domain_id = var.domain
}

data "tenancy_projects" "tagged" {
  domain_id = var.domain
  tags      = ["a", "b"]
  enabled   = false

  lifecycle {
    postcondition {
      condition     = [for id, it in self.projects : [it.id == id, it.name, it.properties]] == [[true, "${var.prefix}-web", tomap({ n = "3", s = "t" })]]
      error_message = "It is another project."
    }
  }
}

data "tenancy_projects" "one_tag" {
  domain_id   = var.domain
  tags_any    = ["b", "c"]
  name_prefix = "${var.prefix}-"
}

data "tenancy_projects" "none" {
  domain_id = var.domain
  name      = "${var.prefix}-nothing"
}

data "tenancy_catalog" "all" {}

data "tenancy_catalog" "some" {
  types         = ["compute", "volume", "object-store", "no-such-service"]
  with_versions = true
}
