//! Whose certificate is trusted, and which one is shown.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::openstack::error::{Error, Unreachable};

/// A certificate for itself, and its key.
fn certificate(is_authority: bool) -> (rcgen::Certificate, rcgen::KeyPair) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params =
        rcgen::CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    if is_authority {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    }
    (params.self_signed(&key).unwrap(), key)
}

/// A Keystone that speaks TLS and, if told so, wants to see a certificate. Gives its URL and its certificate.
async fn start(is_authority: bool, client: Option<&rcgen::Certificate>) -> (String, String) {
    let (certificate, key) = certificate(is_authority);
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let builder = rustls::ServerConfig::builder();
    let builder = match client {
        Some(client) => {
            let mut roots = RootCertStore::empty();
            roots.add(client.der().clone()).unwrap();
            builder.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap())
        }
        None => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/v3", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut buffer = vec![0; 65536];
                while let Ok(1..) = stream.read(&mut buffer).await {
                    let body = token(json!([])).to_string();
                    let head = format!(
                        "HTTP/1.1 201 Created\r\nx-subject-token: t\r\ncontent-length: {}\r\n\r\n",
                        body.len()
                    );
                    if stream.write_all((head + &body).as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (url, certificate.pem())
}

fn settings(url: &str) -> Settings {
    Settings {
        auth_url: Some(url.to_owned()),
        username: Some("u".into()),
        password: Some("hush".into()),
        max_retries: Some(0),
        ..Default::default()
    }
}

#[tokio::test]
async fn an_unknown_authority_is_refused_unless_told() {
    let (url, pem) = start(false, None).await;
    let why = cloud(settings(&url)).login().await.unwrap_err();
    assert!(matches!(&why, Error::Unreachable(it) if it.cause == Unreachable::Certificate), "{why:?}");
    assert!(why.to_string().contains("`ca_certificate`"), "{why}");
    cloud(Settings { ca_certificate: Some(pem), ..settings(&url) }).login().await.unwrap();
    cloud(Settings { insecure: Some(true), ..settings(&url) }).login().await.unwrap();
}

/// What `openssl req -x509` makes unless told otherwise.
#[tokio::test]
async fn an_authority_as_a_server_is_told() {
    let (url, pem) = start(true, None).await;
    let why = cloud(Settings { ca_certificate: Some(pem), ..settings(&url) }).login().await.unwrap_err();
    assert!(why.to_string().contains("CA:FALSE"), "{why}");
}

#[tokio::test]
async fn a_client_shows_its_certificate() {
    let (client, key) = certificate(false);
    let (url, pem) = start(false, Some(&client)).await;
    let without = Settings { ca_certificate: Some(pem), ..settings(&url) };
    assert!(cloud(without.clone()).login().await.is_err());
    let with = Settings {
        client_certificate: Some(client.pem()),
        client_key: Some(key.serialize_pem().into()),
        ..without
    };
    cloud(with).login().await.unwrap();
}
