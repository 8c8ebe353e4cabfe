//! Limits that another provider set, which has a type for each service.

use super::QuotaSet;
use crate::openstack::quota::{Limits, QuotaService};
use crate::resources::OPENSTACK;
use crate::resources::quotas::{All, Quotas, attribute_for};
use crate::tf::{Move, Old, Result};

pub(super) fn moves() -> Vec<Move<QuotaSet>> {
    let of = |from, take| Move { provider: OPENSTACK, from, take };
    vec![
        of("openstack_compute_quotaset_v2", |old| take(old, QuotaService::Compute)),
        of("openstack_blockstorage_quotaset_v2", |old| take(old, QuotaService::BlockStorage)),
        of("openstack_blockstorage_quotaset_v3", |old| take(old, QuotaService::BlockStorage)),
        of("openstack_networking_quota_v2", |old| take(old, QuotaService::Network)),
        of("openstack_lb_quota_v2", |old| take(old, QuotaService::LoadBalancer)),
        of("openstack_dns_quota_v2", |old| take(old, QuotaService::Dns)),
    ]
}

/// The limits of another provider's state: its attributes are the services' own keys, some with an underscore more.
fn take(old: &Old, service: QuotaService) -> Result<QuotaSet> {
    const SPELLED: [(&str, &str); 3] =
        [("health_monitor", "healthmonitor"), ("l7_policy", "l7policy"), ("l7_rule", "l7rule")];
    let mut limits = Limits::new();
    for (name, limit) in old.numbers() {
        let key = SPELLED.iter().find(|(theirs, _)| *theirs == name).map_or(name, |(_, key)| *key);
        if attribute_for(service, key).is_some() {
            limits.insert(key.to_owned(), limit);
        }
    }
    if service == QuotaService::BlockStorage {
        limits.extend(old.numbers_of("volume_type_quota"));
    }
    Ok(QuotaSet::new(old.must("project_id")?, Quotas::whole(&All::from([(service, limits)]))))
}
