//! An HTTPS server with a certificate that nobody trusts.

use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use anyhow::Result;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Starts it, and gives its URL. It ends with the process.
pub fn start() -> Result<String> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("https://localhost:{}/v3", listener.local_addr()?.port());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Ok(connection) = ServerConnection::new(config.clone()) {
                // The handshake is all that matters: a client that trusts nobody here goes away.
                let _ = StreamOwned::new(connection, stream).read(&mut [0; 1024]);
            }
        }
    });
    Ok(url)
}
