//! What each service limits: which attribute stands for which of the service's own keys.

use std::collections::BTreeMap;

use super::Table;
use crate::openstack::quota::QuotaService;
use crate::resources::check;
use crate::tf::Model;

/// Structs of limits, each with its table of attributes and keys.
macro_rules! limits {
    ($(
        $(#[$about:meta])*
        $name:ident: $service:ident {
            $($(#[$doc:meta])* $field:ident = $key:literal,)+
            $(; $(#[$more:meta])* $nested:ident: $type:ty)?
        }
    )+) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, Model)]
        pub struct $name {
            $($(#[$doc])* #[tf(check(check::limit))] pub $field: Option<i64>,)+
            $($(#[$more])* pub $nested: Option<$type>,)?
        }

        impl Table for $name {
            const SERVICE: QuotaService = QuotaService::$service;
            const KEYS: &'static [(&'static str, &'static str)] = &[$((stringify!($field), $key),)+];

            fn each(&mut self, f: &mut dyn FnMut(&str, &mut Option<i64>)) {
                $(f($key, &mut self.$field);)+
            }
        }
    )+};
}

limits! {
    /// Limits of Nova.
    Compute: Compute {
        /// Virtual cores of all servers together. Nova's `cores`.
        cores = "cores",
        /// Memory of all servers together, in MiB. Nova's `ram`.
        ram_mib = "ram",
        /// Servers. Nova's `instances`.
        instances = "instances",
        /// Key pairs of each user. Nova's `key_pairs`.
        key_pairs = "key_pairs",
        /// Metadata items of each server. Nova's `metadata_items`.
        metadata_items = "metadata_items",
        /// Server groups. Nova's `server_groups`.
        server_groups = "server_groups",
        /// Servers in each server group. Nova's `server_group_members`.
        server_group_members = "server_group_members",
    }

    /// Limits of Cinder.
    BlockStorage: BlockStorage {
        /// Volumes. Cinder's `volumes`.
        volumes = "volumes",
        /// Size of all volumes and snapshots together, in GiB. Cinder's `gigabytes`.
        gigabytes = "gigabytes",
        /// Snapshots. Cinder's `snapshots`.
        snapshots = "snapshots",
        /// Backups. Cinder's `backups`.
        backups = "backups",
        /// Size of all backups together, in GiB. Cinder's `backup_gigabytes`.
        backup_gigabytes = "backup_gigabytes",
        /// Size of each volume, in GiB. Cinder's `per_volume_gigabytes`.
        per_volume_gigabytes = "per_volume_gigabytes",
        /// Volume groups. Cinder's `groups`.
        groups = "groups",
        ;
        /// Limits of single volume types, by the name of the type, which must exist when the plan is made. They apply
        /// besides the limits on all volumes.
        #[tf(check(super::volume_types))]
        volume_types: BTreeMap<String, VolumeType>
    }

    /// Limits of Neutron.
    Network: Network {
        /// Networks. Neutron's `network`.
        networks = "network",
        /// Subnets. Neutron's `subnet`.
        subnets = "subnet",
        /// Ports. Neutron's `port`.
        ports = "port",
        /// Routers. Neutron's `router`.
        routers = "router",
        /// Routes of each router. Neutron's `router_route`.
        router_routes = "router_route",
        /// Floating IPs. Neutron's `floatingip`.
        floating_ips = "floatingip",
        /// Security groups. Neutron's `security_group`.
        security_groups = "security_group",
        /// Rules of all security groups together. Neutron's `security_group_rule`.
        security_group_rules = "security_group_rule",
        /// RBAC policies. Neutron's `rbac_policy`.
        rbac_policies = "rbac_policy",
        /// Subnet pools. Neutron's `subnetpool`.
        subnet_pools = "subnetpool",
    }

    /// Limits of Octavia.
    LoadBalancer: LoadBalancer {
        /// Load balancers. Octavia's `loadbalancer`.
        load_balancers = "loadbalancer",
        /// Listeners. Octavia's `listener`.
        listeners = "listener",
        /// Pools. Octavia's `pool`.
        pools = "pool",
        /// Members of all pools together. Octavia's `member`.
        members = "member",
        /// Health monitors. Octavia's `healthmonitor`.
        health_monitors = "healthmonitor",
        /// L7 policies. Octavia's `l7policy`.
        l7_policies = "l7policy",
        /// L7 rules. Octavia's `l7rule`.
        l7_rules = "l7rule",
    }

    /// Limits of Designate.
    Dns: Dns {
        /// Zones. Designate's `zones`.
        zones = "zones",
        /// Recordsets of each zone. Designate's `zone_recordsets`.
        zone_recordsets = "zone_recordsets",
        /// Records of each zone. Designate's `zone_records`.
        zone_records = "zone_records",
        /// Records of each recordset. Designate's `recordset_records`.
        recordset_records = "recordset_records",
        /// Recordsets of an exported zone. Designate's `api_export_size`.
        api_export_size = "api_export_size",
    }

    /// Limits of Manila.
    SharedFileSystem: SharedFileSystem {
        /// Shares. Manila's `shares`.
        shares = "shares",
        /// Size of all shares together, in GiB. Manila's `gigabytes`.
        gigabytes = "gigabytes",
        /// Size of each share, in GiB. Manila's `per_share_gigabytes`.
        per_share_gigabytes = "per_share_gigabytes",
        /// Snapshots. Manila's `snapshots`.
        snapshots = "snapshots",
        /// Size of all snapshots together, in GiB. Manila's `snapshot_gigabytes`.
        snapshot_gigabytes = "snapshot_gigabytes",
        /// Share networks. Manila's `share_networks`.
        share_networks = "share_networks",
        /// Share groups. Manila's `share_groups`.
        share_groups = "share_groups",
        /// Snapshots of share groups. Manila's `share_group_snapshots`.
        share_group_snapshots = "share_group_snapshots",
        /// Share replicas. Manila's `share_replicas`.
        share_replicas = "share_replicas",
        /// Size of all share replicas together, in GiB. Manila's `replica_gigabytes`.
        replica_gigabytes = "replica_gigabytes",
        /// Share backups. Manila's `backups`.
        backups = "backups",
        /// Size of all share backups together, in GiB. Manila's `backup_gigabytes`.
        backup_gigabytes = "backup_gigabytes",
        /// Encryption keys. Manila's `encryption_keys`.
        encryption_keys = "encryption_keys",
    }

    /// Limits of Barbican.
    KeyManager: KeyManager {
        /// Secrets. Barbican's `secrets`.
        secrets = "secrets",
        /// Orders. Barbican's `orders`.
        orders = "orders",
        /// Containers. Barbican's `containers`.
        containers = "containers",
        /// Consumers of all containers together. Barbican's `consumers`.
        consumers = "consumers",
        /// Certificate authorities. Barbican's `cas`.
        cas = "cas",
    }

    /// Limits of Swift.
    ObjectStorage: ObjectStorage {
        /// Size of all objects of the project's account together, in bytes. Swift's `quota-bytes`.
        bytes = "bytes",
        /// Objects of the project's account. Swift's `quota-count`.
        objects = "count",
    }

    /// Limits of Glance.
    Image: Image {
        /// Images. The unified limit `image_count_total`.
        image_count_total = "image_count_total",
        /// Size of all images together, in MiB. The unified limit `image_size_total`.
        image_size_total_mib = "image_size_total",
        /// Size of all data that waits to be imported, in MiB. The unified limit `image_stage_total`.
        image_stage_total_mib = "image_stage_total",
        /// Uploads under way. The unified limit `image_count_uploading`.
        image_count_uploading = "image_count_uploading",
    }

    /// Limits of Cinder on one volume type.
    VolumeType: BlockStorage {
        /// Size of the type's volumes and snapshots together, in GiB. Cinder's `gigabytes_TYPE`.
        gigabytes = "gigabytes",
        /// Volumes of the type. Cinder's `volumes_TYPE`.
        volumes = "volumes",
        /// Snapshots of the type's volumes. Cinder's `snapshots_TYPE`.
        snapshots = "snapshots",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Table + Model>() {
        let schema = T::schema();
        for ((attribute, key), field) in T::KEYS.iter().zip(&schema.fields) {
            assert_eq!(*attribute, field.name);
            let said = |word: &str| field.description.contains(word);
            assert!(said(&format!("`{key}")) || said(&format!("-{key}`")), "{attribute} does not name {key}");
            assert_eq!(attribute.ends_with("_mib"), said("in MiB"), "{attribute} and its unit");
            assert_eq!(attribute.contains("gigabytes"), said("in GiB"), "{attribute} and its unit");
        }
    }

    #[test]
    fn descriptions_name_the_key_and_the_unit() {
        check::<Compute>();
        check::<BlockStorage>();
        check::<Network>();
        check::<LoadBalancer>();
        check::<Dns>();
        check::<SharedFileSystem>();
        check::<KeyManager>();
        check::<ObjectStorage>();
        check::<Image>();
        check::<VolumeType>();
    }
}
