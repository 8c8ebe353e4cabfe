//! The OpenStack client: sessions, typed calls, errors. Knows no Terraform.
