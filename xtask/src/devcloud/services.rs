//! The table of services: what each one is called, where it listens, how its database is made, what it waits for.

use super::debian::{self, Bundle};

/// A lock of packages. Each one holds all that the one before holds, in the same versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Packages {
    /// Keystone alone.
    Keystone,
    /// The services that every cloud has.
    Base,
    /// The services that a cloud gets when asked.
    Extras,
}

impl Packages {
    /// All locks, smallest first.
    pub const ALL: [Self; 3] = [Self::Keystone, Self::Base, Self::Extras];

    /// Name of the lock.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keystone => "keystone",
            Self::Base => "base",
            Self::Extras => "extras",
        }
    }
}

/// A line of the catalog.
#[derive(Debug)]
pub struct Endpoint {
    /// Type of the service.
    pub kind: &'static str,
    /// Name of the service.
    pub name: &'static str,
    /// What follows the port.
    pub path: &'static str,
}

/// A command that prepares a service's database.
#[derive(Debug)]
pub struct Migration {
    /// Program and arguments: templates, as the configuration files are.
    pub command: &'static [&'static str],
    /// An exit code, beside 0, that means "was done before".
    pub done_before: Option<i32>,
}

/// How a service is started.
#[derive(Debug)]
pub enum Program {
    /// By `launch.py`, which has a function of its name.
    Launcher,
    /// As a program from Debian's packages, with these arguments: templates.
    Debian(&'static Bundle, &'static [&'static str]),
    /// By Node.js, as a module of this directory with its packages, and with these arguments: templates.
    Node(&'static str, &'static [&'static str]),
}

/// A service.
#[derive(Debug)]
pub struct Service {
    /// Its name here: of its process, its configuration directory, its function in `launch.py`.
    pub name: &'static str,
    /// The lock that holds its packages.
    pub packages: Packages,
    /// Whether a cloud has it only when asked.
    pub optional: bool,
    /// Its databases.
    pub databases: &'static [&'static str],
    /// Configuration files that its package brings: relative to the virtual environment.
    pub shipped: &'static [&'static str],
    /// Directories it expects, below the state directory.
    pub directories: &'static [&'static str],
    /// What prepares its database.
    pub migrations: &'static [Migration],
    /// Its lines in the catalog.
    pub endpoints: &'static [Endpoint],
    /// The services that must answer before it starts, if they are part of the cloud.
    pub after: &'static [&'static str],
    /// The services that it cannot do without, although it may start before them.
    pub beside: &'static [&'static str],
    /// What to ask to see whether it is well.
    pub health: &'static str,
    /// How it is started.
    pub program: Program,
}

/// What rows of the table leave out.
const NOTHING: Service = Service {
    name: "",
    packages: Packages::Base,
    optional: false,
    databases: &[],
    shipped: &[],
    directories: &[],
    migrations: &[],
    endpoints: &[],
    after: &[],
    beside: &[],
    health: "/",
    program: Program::Launcher,
};

/// What rows of services leave out that a cloud gets when asked.
const EXTRA: Service = Service { packages: Packages::Extras, optional: true, ..NOTHING };

const fn run(command: &'static [&'static str]) -> Migration {
    Migration { command, done_before: None }
}

/// Names in the order of their ports. Append only: a cloud that exists has its ports already.
pub const PORTS: &[&str] = &[
    "keystone",
    "placement",
    "glance",
    "neutron",
    "cinder",
    "nova",
    "octavia",
    "mariadb",
    "swift",
    "swift-account",
    "swift-container",
    "swift-object",
    "designate",
    "designate-mdns",
    "manila",
    "barbican",
    "heat",
    "cloudkitty",
    "influxdb",
    "influxdb-backup",
    "gnocchi",
    "oidc-provider",
    "oidc",
    "nova-unified",
];

/// All services, in the order in which `status` lists them.
pub const SERVICES: &[Service] = &[
    Service {
        name: "keystone",
        packages: Packages::Keystone,
        databases: &["keystone"],
        directories: &["keystone/fernet", "keystone/credential"],
        migrations: &[
            run(&["keystone-manage", "--config-file", "{{ etc }}/keystone.conf", "db_sync"]),
            run(&[
                "keystone-manage",
                "--config-file",
                "{{ etc }}/keystone.conf",
                "fernet_setup",
                "--keystone-user",
                "{{ user }}",
                "--keystone-group",
                "{{ group }}",
            ]),
            run(&[
                "keystone-manage",
                "--config-file",
                "{{ etc }}/keystone.conf",
                "credential_setup",
                "--keystone-user",
                "{{ user }}",
                "--keystone-group",
                "{{ group }}",
            ]),
            run(&[
                "keystone-manage",
                "--config-file",
                "{{ etc }}/keystone.conf",
                "bootstrap",
                "--bootstrap-password",
                "{{ password }}",
                "--bootstrap-service-name",
                "keystone",
                "--bootstrap-region-id",
                "{{ region }}",
            ]),
        ],
        endpoints: &[Endpoint { kind: "identity", name: "keystone", path: "/v3" }],
        health: "/v3",
        ..NOTHING
    },
    Service {
        name: "placement",
        packages: Packages::Base,
        databases: &["placement"],
        migrations: &[run(&["placement-manage", "--config-file", "{{ etc }}/placement.conf", "db", "sync"])],
        endpoints: &[Endpoint { kind: "placement", name: "placement", path: "" }],
        ..NOTHING
    },
    Service {
        name: "glance",
        packages: Packages::Base,
        databases: &["glance"],
        shipped: &["etc/glance/glance-api-paste.ini"],
        directories: &["glance/store", "glance/staging", "glance/tasks"],
        migrations: &[run(&["glance-manage", "--config-file", "{{ etc }}/glance-api.conf", "db_sync"])],
        endpoints: &[Endpoint { kind: "image", name: "glance", path: "" }],
        after: &["keystone"],
        health: "/healthcheck",
        ..NOTHING
    },
    Service {
        name: "neutron",
        packages: Packages::Base,
        databases: &["neutron"],
        shipped: &["etc/neutron/api-paste.ini"],
        directories: &["neutron"],
        migrations: &[run(&[
            "neutron-db-manage",
            "--config-file",
            "{{ etc }}/neutron.conf",
            "upgrade",
            "heads",
        ])],
        endpoints: &[Endpoint { kind: "network", name: "neutron", path: "" }],
        ..NOTHING
    },
    Service {
        name: "cinder",
        packages: Packages::Base,
        databases: &["cinder"],
        shipped: &["etc/cinder/api-paste.ini", "etc/cinder/resource_filters.json"],
        directories: &["cinder"],
        migrations: &[run(&["cinder-manage", "--config-file", "{{ etc }}/cinder.conf", "db", "sync"])],
        endpoints: &[
            Endpoint { kind: "block-storage", name: "cinder", path: "/v3" },
            Endpoint { kind: "volumev3", name: "cinderv3", path: "/v3" },
        ],
        health: "/healthcheck",
        ..NOTHING
    },
    Service {
        name: "nova",
        packages: Packages::Base,
        databases: &["nova_api", "nova_cell0", "nova_cell1"],
        shipped: &["etc/nova/api-paste.ini"],
        directories: &["nova"],
        migrations: &[
            run(&["nova-manage", "--config-file", "{{ etc }}/nova.conf", "api_db", "sync"]),
            // Host and port are filled in from nova.conf when they are read, so that the port may change.
            run(&[
                "nova-manage",
                "--config-file",
                "{{ etc }}/nova.conf",
                "cell_v2",
                "map_cell0",
                "--database_connection",
                "mysql+pymysql://root@{hostname}:{port}/nova_cell0?{query}",
            ]),
            Migration {
                command: &[
                    "nova-manage",
                    "--config-file",
                    "{{ etc }}/nova.conf",
                    "cell_v2",
                    "create_cell",
                    "--name",
                    "cell1",
                    "--transport-url",
                    "fake:///",
                    "--database_connection",
                    "mysql+pymysql://root@{hostname}:{port}/nova_cell1?{query}",
                ],
                done_before: Some(2),
            },
            run(&["nova-manage", "--config-file", "{{ etc }}/nova.conf", "db", "sync"]),
        ],
        endpoints: &[Endpoint { kind: "compute", name: "nova", path: "/v2.1" }],
        // Its compute part registers itself with Placement while it starts.
        after: &["keystone", "placement"],
        ..NOTHING
    },
    Service {
        name: "octavia",
        packages: Packages::Base,
        databases: &["octavia"],
        directories: &["octavia"],
        migrations: &[
            run(&["{{ python }}", "{{ source }}/certificate.py", "{{ state }}/octavia/ca", "devcloud"]),
            run(&["octavia-db-manage", "--config-file", "{{ etc }}/octavia.conf", "upgrade", "head"]),
        ],
        endpoints: &[Endpoint { kind: "load-balancer", name: "octavia", path: "" }],
        after: &["keystone"],
        ..NOTHING
    },
    Service {
        name: "nova-unified",
        optional: true,
        shipped: &["etc/nova/api-paste.ini"],
        after: &["keystone", "placement"],
        // Whose databases and compute host it shares.
        beside: &["nova"],
        ..NOTHING
    },
    Service {
        name: "swift",
        directories: &["swift/devices/d1", "swift/recon"],
        endpoints: &[Endpoint { kind: "object-store", name: "swift", path: "/v1/AUTH_$(project_id)s" }],
        health: "/healthcheck",
        ..EXTRA
    },
    Service {
        name: "designate",
        databases: &["designate"],
        shipped: &["etc/designate/api-paste.ini"],
        directories: &["designate"],
        migrations: &[run(&[
            "designate-manage",
            "--config-file",
            "{{ etc }}/designate.conf",
            "database",
            "sync",
        ])],
        endpoints: &[Endpoint { kind: "dns", name: "designate", path: "" }],
        ..EXTRA
    },
    Service {
        name: "manila",
        databases: &["manila"],
        shipped: &["etc/manila/api-paste.ini"],
        directories: &["manila"],
        migrations: &[run(&["manila-manage", "--config-file", "{{ etc }}/manila.conf", "db", "sync"])],
        endpoints: &[
            Endpoint { kind: "sharev2", name: "manilav2", path: "/v2" },
            Endpoint { kind: "shared-file-system", name: "manila", path: "/v2" },
        ],
        ..EXTRA
    },
    Service {
        name: "barbican",
        databases: &["barbican"],
        shipped: &["etc/barbican/barbican-api-paste.ini"],
        migrations: &[run(&["barbican-manage", "db", "upgrade"])],
        endpoints: &[Endpoint { kind: "key-manager", name: "barbican", path: "" }],
        ..EXTRA
    },
    Service {
        name: "heat",
        databases: &["heat"],
        shipped: &["etc/heat/api-paste.ini"],
        migrations: &[run(&["heat-manage", "--config-file", "{{ etc }}/heat.conf", "db_sync"])],
        endpoints: &[Endpoint { kind: "orchestration", name: "heat", path: "/v1/$(project_id)s" }],
        after: &["keystone"],
        ..EXTRA
    },
    Service {
        name: "gnocchi",
        databases: &["gnocchi"],
        directories: &["gnocchi"],
        migrations: &[run(&[
            "gnocchi-upgrade",
            "--sacks-number",
            "4",
            "--config-file",
            "{{ etc }}/gnocchi.conf",
        ])],
        endpoints: &[Endpoint { kind: "metric", name: "gnocchi", path: "" }],
        health: "/healthcheck",
        ..EXTRA
    },
    Service {
        name: "influxdb",
        program: Program::Debian(&debian::INFLUXDB, &["run", "-config", "{{ etc }}/influxdb.conf"]),
        directories: &["influxdb"],
        health: "/ping",
        ..EXTRA
    },
    Service {
        name: "cloudkitty",
        databases: &["cloudkitty"],
        directories: &["cloudkitty"],
        migrations: &[run(&["cloudkitty-dbsync", "--config-file", "{{ etc }}/cloudkitty.conf", "upgrade"])],
        endpoints: &[Endpoint { kind: "rating", name: "cloudkitty", path: "" }],
        // Its collector asks Gnocchi.
        after: &["keystone", "influxdb", "gnocchi"],
        ..EXTRA
    },
    Service {
        name: "oidc-provider",
        program: Program::Node(
            "oidc",
            &[
                "provider.mjs",
                "{{ port.oidc_provider }}",
                "{{ client_secret }}",
                "{{ state }}/oidc-provider/signing.key",
            ],
        ),
        directories: &["oidc-provider"],
        migrations: &[run(&[
            "{{ python }}",
            "{{ source }}/certificate.py",
            "{{ state }}/oidc-provider/signing",
        ])],
        health: "/.well-known/openid-configuration",
        ..EXTRA
    },
    Service {
        name: "oidc",
        program: Program::Debian(&debian::APACHE, &["-f", "{{ etc }}/httpd.conf", "-D", "FOREGROUND"]),
        after: &["keystone", "oidc-provider"],
        health: "/v3",
        ..EXTRA
    },
];

/// Finds a service by its name.
pub fn find(name: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_has_a_port_and_waits_for_earlier_ones() {
        for (index, service) in SERVICES.iter().enumerate() {
            assert!(PORTS.contains(&service.name), "{} has no port", service.name);
            for other in service.after {
                assert!(SERVICES[..index].iter().any(|earlier| earlier.name == *other), "{other}");
            }
        }
    }
}
