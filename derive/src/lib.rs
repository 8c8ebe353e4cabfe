//! `#[derive(Model)]`: a struct becomes a Terraform schema.
