//! The environment that a host sets, and the one line that answers it.

use std::io::{self, Write as _};
use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rustls::pki_types::CertificateDer;

use super::Error;
use super::listener::Listener;

/// The variable by which a host says that it is one.
pub const COOKIE_NAME: &str = "TF_PLUGIN_MAGIC_COOKIE";
/// The value every host gives it. No secret: it only tells a host from a person.
pub const COOKIE_VALUE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// The version of the plugin layer itself.
const CORE_VERSION: u32 = 1;
/// The provider protocols that we speak, highest first.
const PROTOCOLS: &[u32] = &[6];

/// What the host asks for.
#[derive(Debug, Default)]
pub(super) struct Environment {
    /// The provider protocols that the host speaks, in no order.
    pub(super) protocols: Vec<u32>,
    /// The host's certificate in PEM. None means plaintext.
    pub(super) client_certificate: Option<String>,
    /// The host wants to hear whether brokered connections can be multiplexed.
    pub(super) asks_multiplex: bool,
    /// Where the socket belongs.
    pub(super) socket_dir: Option<String>,
    /// The group that may connect too, by name or number.
    pub(super) socket_group: Option<String>,
    /// The ports to try where there are no Unix sockets. None means any port.
    pub(super) ports: Option<RangeInclusive<u16>>,
}

/// Fails unless a host has started this process.
pub(super) fn check_cookie() -> Result<(), Error> {
    match std::env::var(COOKIE_NAME) {
        Ok(value) if value == COOKIE_VALUE => Ok(()),
        _ => Err(Error::NotStartedByHost),
    }
}

impl Environment {
    pub(super) fn from_env() -> Result<Self, Error> {
        Self::read(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn read(get: impl Fn(&'static str) -> Option<String>) -> Result<Self, Error> {
        let port = |variable| match get(variable).map(|value| value.parse::<u16>()) {
            None => Ok(None),
            Some(Ok(port)) => Ok(Some(port)),
            Some(Err(error)) => Err(Error::Environment { variable, reason: error.to_string() }),
        };
        let ports = match (port("PLUGIN_MIN_PORT")?, port("PLUGIN_MAX_PORT")?) {
            (Some(min), Some(max)) if min > max => {
                let reason = format!("{min} is above PLUGIN_MAX_PORT, which is {max}");
                return Err(Error::Environment { variable: "PLUGIN_MIN_PORT", reason });
            }
            (Some(min), Some(max)) => Some(min..=max),
            _ => None,
        };
        Ok(Environment {
            // A word that is no number can't be a protocol of ours: skip it.
            protocols: get("PLUGIN_PROTOCOL_VERSIONS")
                .map(|list| list.split(',').filter_map(|word| word.trim().parse().ok()).collect())
                .unwrap_or_default(),
            client_certificate: get("PLUGIN_CLIENT_CERT"),
            asks_multiplex: get("PLUGIN_MULTIPLEX_GRPC").is_some(),
            socket_dir: get("PLUGIN_UNIX_SOCKET_DIR"),
            socket_group: get("PLUGIN_UNIX_SOCKET_GROUP"),
            ports,
        })
    }

    /// The highest protocol that both sides speak. With none in common it is
    /// our lowest: the host then tells its user which versions do not fit.
    fn protocol(&self) -> u32 {
        let common = PROTOCOLS.iter().find(|version| self.protocols.contains(version));
        *common.unwrap_or(&PROTOCOLS[PROTOCOLS.len() - 1])
    }

    fn line(&self, network: &str, address: &str, certificate: Option<&CertificateDer<'_>>) -> String {
        let certificate = certificate.map(|der| STANDARD_NO_PAD.encode(der)).unwrap_or_default();
        let protocol = self.protocol();
        let mut line = format!("{CORE_VERSION}|{protocol}|{network}|{address}|grpc|{certificate}");
        // Older hosts take a seventh field for a part of the certificate, so
        // it is there only for hosts that ask.
        if self.asks_multiplex {
            line.push_str("|false");
        }
        line
    }
}

/// Tells the host where to connect.
pub(super) fn answer(
    environment: &Environment,
    listener: &Listener,
    certificate: Option<&CertificateDer<'_>>,
) -> io::Result<()> {
    let mut line = environment.line(listener.network(), listener.address(), certificate);
    line.push('\n');
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(variables: &[(&str, &str)], expected: Expect) {
        let get =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string());
        let answer = match Environment::read(get) {
            Ok(environment) => {
                let certificate = CertificateDer::from(vec![1, 2, 3, 4]);
                let certificate = environment.client_certificate.as_ref().map(|_| &certificate);
                let ports = environment.ports.as_ref().map(|ports| format!(" ports {ports:?}"));
                environment.line("unix", "/run/p", certificate) + &ports.unwrap_or_default()
            }
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&answer);
    }

    #[test]
    fn answers_what_the_host_asked() {
        check(&[("PLUGIN_PROTOCOL_VERSIONS", "5,6")], expect!["1|6|unix|/run/p|grpc|"]);
        check(&[("PLUGIN_PROTOCOL_VERSIONS", "6,5")], expect!["1|6|unix|/run/p|grpc|"]);
        check(&[("PLUGIN_PROTOCOL_VERSIONS", "4,x")], expect!["1|6|unix|/run/p|grpc|"]);
        check(&[], expect!["1|6|unix|/run/p|grpc|"]);
        check(&[("PLUGIN_CLIENT_CERT", "pem")], expect!["1|6|unix|/run/p|grpc|AQIDBA"]);
        check(&[("PLUGIN_MULTIPLEX_GRPC", "true")], expect!["1|6|unix|/run/p|grpc||false"]);
    }

    #[test]
    fn reads_ports() {
        check(
            &[("PLUGIN_MIN_PORT", "10000"), ("PLUGIN_MAX_PORT", "25000")],
            expect!["1|6|unix|/run/p|grpc| ports 10000..=25000"],
        );
        check(
            &[("PLUGIN_MIN_PORT", "2"), ("PLUGIN_MAX_PORT", "1")],
            expect!["failed to read PLUGIN_MIN_PORT: 2 is above PLUGIN_MAX_PORT, which is 1"],
        );
        check(
            &[("PLUGIN_MIN_PORT", "70000")],
            expect!["failed to read PLUGIN_MIN_PORT: number too large to fit in target type"],
        );
    }
}
