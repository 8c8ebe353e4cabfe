data "tenancy_domain" "x" {
  name = "${var.prefix}-nothing"
}

data "tenancy_project" "x" {
  name = "${var.prefix}-nothing"
}

data "tenancy_project" "y" {
  id = "${var.prefix}-nothing"
}

data "tenancy_role" "x" {
  name = "membre"
}
