//! The certificate of a host, made as hosts make it.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P521_SHA512,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio_rustls::TlsConnector;

use super::host::Result;

/// A self-signed P-521 certificate that is a CA, and its key. That is what the
/// plugin library of the hosts makes, odd as it is for a client.
pub struct Identity {
    certificate: Certificate,
    key: KeyPair,
}

impl Identity {
    /// Makes one.
    pub fn generate() -> Result<Self> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512)?;
        let mut params = CertificateParams::new(["localhost".to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, "localhost");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyAgreement,
            KeyUsagePurpose::KeyCertSign,
        ];
        let certificate = params.self_signed(&key)?;
        Ok(Identity { certificate, key })
    }

    /// The certificate, as it goes into the environment.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// The certificate of `self` with the key of `other`: a thief's.
    pub fn with_key_of(self, other: Identity) -> Self {
        Identity { certificate: self.certificate, key: other.key }
    }

    /// TLS that presents this identity to the server with `certificate`.
    pub fn client(&self, certificate: &[u8]) -> Result<TlsConnector> {
        let chain = vec![self.certificate.der().clone()];
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der());
        let crypto = Arc::new(aws_lc_rs::default_provider());
        // Not `with_client_auth_cert`: that checks that key and certificate fit.
        let key = crypto.key_provider.load_private_key(key.into())?;
        let resolver = rustls::sign::CertifiedKey::new(chain, key);
        let config = builder(crypto, certificate)?
            .with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(resolver)));
        Ok(connector(config))
    }
}

/// TLS that presents nothing.
pub fn anonymous_client(certificate: &[u8]) -> Result<TlsConnector> {
    let crypto = Arc::new(aws_lc_rs::default_provider());
    Ok(connector(builder(crypto, certificate)?.with_no_client_auth()))
}

type Builder = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

fn builder(crypto: Arc<CryptoProvider>, certificate: &[u8]) -> Result<Builder> {
    let verifier = PinnedServer { certificate: certificate.to_vec().into(), crypto: Arc::clone(&crypto) };
    Ok(ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier)))
}

fn connector(mut config: ClientConfig) -> TlsConnector {
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// Trusts the certificate in the handshake line, for the name `localhost`.
#[derive(Debug)]
struct PinnedServer {
    certificate: CertificateDer<'static>,
    crypto: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinnedServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        if *end_entity != self.certificate {
            return Err(CertificateError::UnknownIssuer.into());
        }
        let parsed = rustls::server::ParsedCertificate::try_from(end_entity)?;
        rustls::client::verify_server_name(&parsed, name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.crypto.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.crypto.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.crypto.signature_verification_algorithms.supported_schemes()
    }
}
