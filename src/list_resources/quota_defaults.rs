//! `list "tenancy_quota_defaults"`: the one set of defaults.

use crate::resources::Tenancy;
use crate::resources::quota_defaults::{ID, QuotaDefaults};
use crate::tf::{Context, Listed, Listing, Model, Result};

/// Lists the quota defaults. A region has one set of them.
#[derive(Clone, Debug, Model)]
pub struct AllQuotaDefaults {}

impl Listed for AllQuotaDefaults {
    type Resource = QuotaDefaults;

    async fn list(self, _: &Context<Tenancy>) -> Result<Vec<Listing<QuotaDefaults>>> {
        Ok(vec![Listing { name: ID.to_owned(), id: ID.to_owned(), object: None }])
    }
}
