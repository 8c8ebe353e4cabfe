//! The acceptance tests: real Terraform against a real OpenStack.
//!
//! A scenario is a folder below `scenarios/`, written in Terraform's language and a little YAML; `README.md` tells how to
//! read and write one. This crate runs them:
//!
//! - [`scenario`]: what a scenario folder holds.
//! - [`run`]: runs one, step by step.
//! - [`workspace`]: the directory and the name prefix that one scenario has for itself.
//! - [`account`]: the users that Terraform logs in as.
//! - [`terraform`]: runs Terraform and reads what it says.
//! - [`cloud`]: OpenStack's REST APIs, without the provider's help.
//! - [`login`]: people who log in through an identity provider.
//! - [`sweep`]: removes what a scenario left in the cloud.
//! - [`expect`]: compares what is with what was expected.
//! - [`values`]: fills in `${...}`.
//! - [`proxy`]: an HTTP proxy that fails on demand.
//! - [`untrusted`]: an HTTPS server with a certificate that nobody trusts.
//! - [`secrets`]: looks for passwords and tokens where there must be none.
//! - [`host`]: Terraform or OpenTofu, and the provider installed where they find it.
//! - [`plugin`]: the provider, built for the tests.
//! - [`process`]: processes of a run, and signals to them.

pub mod account;
pub mod cloud;
pub mod expect;
pub mod host;
pub mod login;
pub mod plugin;
pub mod process;
pub mod proxy;
pub mod run;
pub mod scenario;
pub mod secrets;
pub mod sweep;
pub mod terraform;
pub mod untrusted;
pub mod values;
pub mod workspace;
