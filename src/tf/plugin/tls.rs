//! Mutual TLS between one host and one provider process.
//!
//! Neither side has a name to prove. Each makes a certificate for this one
//! connection and hands it to the other beforehand: the host in
//! `PLUGIN_CLIENT_CERT`, we in the handshake line. So each side pins the exact
//! certificate of the other; names, dates and chains add nothing to that.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use tokio_rustls::TlsAcceptor;

use super::Error;

/// Our side of the connection.
pub(super) struct Mutual {
    pub(super) acceptor: TlsAcceptor,
    /// The certificate that the host pins.
    pub(super) certificate: CertificateDer<'static>,
}

impl Mutual {
    /// Makes a fresh key and lets only the holder of `client_pem` in.
    pub(super) fn new(client_pem: &str) -> Result<Self, Error> {
        let bad_client = |reason| Error::Environment { variable: "PLUGIN_CLIENT_CERT", reason };
        let pinned = CertificateDer::from_pem_slice(client_pem.as_bytes())
            .map_err(|error| bad_client(error.to_string()))?;

        let failed = |error: rcgen::Error| Error::Tls(error.to_string());
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        // Hosts verify the name `localhost`, whatever the socket.
        let certificate = CertificateParams::new(["localhost".to_owned()])
            .and_then(|params| params.self_signed(&key))
            .map_err(failed)?
            .der()
            .clone();

        let failed = |error: rustls::Error| Error::Tls(error.to_string());
        let crypto = Arc::new(aws_lc_rs::default_provider());
        let verifier = Arc::new(PinnedClient::new(pinned, &crypto));
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let mut config = ServerConfig::builder_with_provider(crypto)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(failed)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate.clone()], key)
            .map_err(failed)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        // A host connects once: there is nothing to resume.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Mutual { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })
    }
}

/// Lets in the holder of one certificate.
///
/// The usual verifier is of no use here: a host presents a self-signed CA
/// certificate as its own, which path building refuses. Making the client
/// certificate optional would let in anyone who can open the socket.
#[derive(Debug)]
struct PinnedClient {
    pinned: CertificateDer<'static>,
    // Hosts sign with P-521, so these have to come from aws-lc-rs.
    algorithms: WebPkiSupportedAlgorithms,
}

impl PinnedClient {
    fn new(pinned: CertificateDer<'static>, crypto: &CryptoProvider) -> Self {
        PinnedClient { pinned, algorithms: crypto.signature_verification_algorithms }
    }
}

impl ClientCertVerifier for PinnedClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // No hints: the host sends the only certificate that it has.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        // That the client also holds the key is shown by its signature below.
        if *end_entity == self.pinned {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
