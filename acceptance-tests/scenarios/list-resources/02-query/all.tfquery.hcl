list "tenancy_workspace_domain" "tagged" {
  provider         = tenancy
  include_resource = true

  config {
    name_prefix = var.prefix
    tags        = ["${var.prefix}-workspace"]
  }
}

list "tenancy_tenant_project" "all" {
  provider = tenancy

  config {
    domain_id = var.domain
  }
}

list "tenancy_tenant_project" "prod" {
  provider         = tenancy
  include_resource = true

  config {
    domain_id = var.domain
    tags      = ["prod"]
  }
}

list "tenancy_tenant_project" "one" {
  provider = tenancy
  limit    = 1

  config {
    name_prefix = var.prefix
  }
}

list "tenancy_project_group_binding" "projects" {
  provider         = tenancy
  include_resource = true

  config {
    projects_in_domain_id = var.domain
  }
}

list "tenancy_project_group_binding" "domain" {
  provider = tenancy

  config {
    domain_id = var.domain
  }
}

list "tenancy_federated_user" "company" {
  provider         = tenancy
  include_resource = true

  config {
    identity_provider = "${var.prefix}-idp"
  }
}

list "tenancy_identity_provider" "company" {
  provider = tenancy

  config {
    id_prefix = var.prefix
  }
}

list "tenancy_federation_mapping" "company" {
  provider         = tenancy
  include_resource = true

  config {
    id_prefix = var.prefix
  }
}

list "tenancy_federation_protocol" "company" {
  provider = tenancy

  config {
    identity_provider = "${var.prefix}-idp"
  }
}

list "tenancy_quota_set" "prod" {
  provider         = tenancy
  include_resource = true

  config {
    domain_id = var.domain
    tags      = ["prod"]
  }
}

list "tenancy_quota_defaults" "region" {
  provider         = tenancy
  include_resource = true
}

list "tenancy_workspace" "tagged" {
  provider         = tenancy
  include_resource = true

  config {
    tags = ["${var.prefix}-workspace"]
  }
}
