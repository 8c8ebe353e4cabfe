//! The services by official type and alias.
//!
//! Types and aliases are those of the service types authority (<https://service-types.openstack.org>).

use std::fmt;

use url::Url;

/// A service of OpenStack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Service {
    /// Keystone.
    Identity,
    /// Nova.
    Compute,
    /// Cinder.
    BlockStorage,
    /// Neutron.
    Network,
    /// Glance.
    Image,
    /// Octavia.
    LoadBalancer,
    /// Swift, or Ceph's gateway.
    ObjectStore,
    /// Designate.
    Dns,
    /// Manila.
    SharedFileSystem,
    /// Barbican.
    KeyManager,
    /// Heat.
    Orchestration,
    /// Placement.
    Placement,
    /// CloudKitty.
    Rating,
    /// Gnocchi.
    Metric,
    /// Magnum.
    ContainerInfra,
    /// Ironic.
    BareMetal,
    /// Trove.
    Database,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Identity,
        Self::Compute,
        Self::BlockStorage,
        Self::Network,
        Self::Image,
        Self::LoadBalancer,
        Self::ObjectStore,
        Self::Dns,
        Self::SharedFileSystem,
        Self::KeyManager,
        Self::Orchestration,
        Self::Placement,
        Self::Rating,
        Self::Metric,
        Self::ContainerInfra,
        Self::BareMetal,
        Self::Database,
    ];

    /// The types that a catalog may list it under, the official one first, then the best alias.
    pub fn types(self) -> &'static [&'static str] {
        match self {
            Self::Identity => &["identity"],
            Self::Compute => &["compute"],
            // Cinder's v2 is gone since 2021; an entry of v2 is used last, and rewritten.
            Self::BlockStorage => &["block-storage", "block-store", "volumev3", "volume", "volumev2"],
            Self::Network => &["network"],
            Self::Image => &["image"],
            Self::LoadBalancer => &["load-balancer"],
            Self::ObjectStore => &["object-store"],
            Self::Dns => &["dns"],
            Self::SharedFileSystem => &["shared-file-system", "sharev2", "share"],
            Self::KeyManager => &["key-manager"],
            Self::Orchestration => &["orchestration"],
            Self::Placement => &["placement"],
            Self::Rating => &["rating"],
            Self::Metric => &["metric"],
            Self::ContainerInfra => {
                &["container-infrastructure-management", "container-infrastructure", "container-infra"]
            }
            Self::BareMetal => &["baremetal", "bare-metal"],
            Self::Database => &["database"],
        }
    }

    /// The official type.
    pub fn official(self) -> &'static str {
        self.types()[0]
    }

    /// The service that goes by this type or alias.
    pub fn of_type(kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.types().contains(&kind))
    }

    /// The version that follows the endpoint's path, unless the catalog's URL has one already.
    pub(crate) fn version(self) -> Option<&'static str> {
        match self {
            Self::Identity => Some("v3"),
            Self::Compute => Some("v2.1"),
            Self::BlockStorage => Some("v3"),
            Self::Network => Some("v2.0"),
            Self::Image | Self::LoadBalancer | Self::Dns | Self::SharedFileSystem | Self::Rating => {
                Some("v2")
            }
            Self::ObjectStore | Self::KeyManager | Self::Orchestration => Some("v1"),
            Self::ContainerInfra | Self::BareMetal => Some("v1"),
            Self::Database => Some("v1.0"),
            Self::Placement | Self::Metric => None,
        }
    }

    /// The header and value that ask for a microversion.
    pub(crate) fn microversion(self, version: &str) -> (&'static str, String) {
        match self {
            Self::SharedFileSystem => ("x-openstack-manila-api-version", version.to_owned()),
            // Cinder kept its first type as the word in this header.
            Self::BlockStorage => ("openstack-api-version", format!("volume {version}")),
            other => ("openstack-api-version", format!("{} {version}", other.official())),
        }
    }

    /// The URL that paths of this service are appended to.
    ///
    /// Catalogs have `http://host:9696`, `https://host/compute/v2.1` and `http://host:8776/v3/<project>` alike.
    pub(crate) fn base(self, endpoint: &Url) -> Url {
        let (mut path, at) = path(endpoint);
        match (at, self.version()) {
            (None, Some(version)) => path.push(version),
            // v1 and v2 of Cinder, v1 of Manila and v2 of Nova are gone, and their successors stand beside them.
            (Some(at), Some(version))
                if matches!(self, Self::BlockStorage | Self::SharedFileSystem | Self::Compute) =>
            {
                path[at] = version;
            }
            _ => {}
        }
        with_path(endpoint, &path)
    }
}

/// The URL at which a service tells its versions: what comes before the version in the endpoint's path.
pub(crate) fn root(endpoint: &Url) -> Url {
    let (mut path, at) = path(endpoint);
    path.truncate(at.unwrap_or(path.len()));
    // With a slash at the end: some redirect without.
    path.push("");
    with_path(endpoint, &path)
}

/// The segments of an endpoint's path, and which of them is the version: the last one, or the one before the project.
fn path(endpoint: &Url) -> (Vec<&str>, Option<usize>) {
    let path: Vec<&str> = endpoint.path().split('/').filter(|it| !it.is_empty()).collect();
    let at = path.iter().rposition(|it| is_version(it)).filter(|at| path.len() - at <= 2);
    (path, at)
}

/// An endpoint with another path, and nothing behind that.
fn with_path(endpoint: &Url, path: &[&str]) -> Url {
    let mut url = endpoint.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.set_path(&path.join("/"));
    url
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.official())
    }
}

/// `v3`, `v2.1`.
fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|it| {
        !it.is_empty()
            && it.starts_with(|it: char| it.is_ascii_digit())
            && it.chars().all(|it| it.is_ascii_digit() || it == '.')
    })
}
