# Somebody logs in by this one, and nothing else is in its domain.
resource "tenancy_identity_provider" "bare" {
  id = "${var.prefix}-bare-2"
}

# In this one's domain is a user made by API.
resource "tenancy_identity_provider" "peopled" {
  id = "${var.prefix}-peopled"
}

resource "tenancy_identity_provider" "renamed" {
  id = "${var.prefix}-renamed"
}

resource "tenancy_identity_provider" "shared" {
  id = "${var.prefix}-shared"
}
