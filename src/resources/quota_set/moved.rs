//! Limits that another provider set, which has a type for each service.

use serde::{Deserialize, Serialize};

use super::QuotaSet;
use crate::openstack::quota::{Limits, QuotaService};
use crate::resources::quotas::{All, Quotas, attribute_for};
use crate::resources::{Explain, OPENSTACK, Tenancy};
use crate::tf::{Context, Diagnostic, Move, Old, Result, at};

/// What is kept of the old state until the first read.
#[derive(Deserialize, Serialize)]
struct Was {
    region: String,
}

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
    if let Some(region) = old.text("region") {
        old.keep(&Was { region });
    }
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

/// Refuses a quota of another region than the provider block's, whose limits would be taken in instead. While it was moved,
/// nobody could know.
pub(super) async fn refuse_other_region(client: &Context<Tenancy>) -> Result<()> {
    let Some(Was { region }) = client.private() else { return Ok(()) };
    let catalog = client.catalog().await.explain("Cannot find out which region this is")?;
    let of_service = |it: QuotaService| catalog.place(it.service(), client.config()).ok()?.1;
    let here = client.config().region.clone().or_else(|| QuotaService::ALL.into_iter().find_map(of_service));
    match here {
        Some(here) if here != region => Err(Diagnostic::error("The quota is of another region")
            .detail(format!(
                "The quota that was moved here is of the region \"{region}\", and this provider block is for \"{here}\": the \
                 limits of another region would be taken in. Give the quota set a provider block with `region = \"{region}\"`."
            ))
            .at(at!(QuotaSet, project_id))
            .into()),
        _ => Ok(()),
    }
}
