//! What the protocol tests share: a host that starts the provider's binary.
//!
//! ```ignore
//! let host = support::start().await?;
//! let schema = host.provider().get_provider_schema(Request {}).await?;
//! ```

// Each test file uses the part that it needs.
#![allow(dead_code)]

pub mod host;
pub mod identity;

use host::{Host, Launch, Result};

/// The provider's binary, ready to be started as hosts start it.
pub fn launch() -> Result<Launch> {
    Launch::new(env!("CARGO_BIN_EXE_terraform-provider-tenancy"))
}

/// The provider's binary, started and connected.
pub async fn start() -> Result<Host> {
    launch()?.connect().await
}
