//! `list "tenancy_federation_mapping"`: what becomes of federated users at a login.

use crate::resources::federation_mapping::FederationMapping;
use crate::resources::{Explain, Tenancy, is_named};
use crate::tf::{Context, Listed, Listing, Model, Result};

/// Lists mappings.
#[derive(Clone, Debug, Model)]
pub struct FederationMappings {
    /// Only those whose id starts with this.
    pub id_prefix: Option<String>,
}

impl Listed for FederationMappings {
    type Resource = FederationMapping;

    async fn list(self, client: &Context<Tenancy>) -> Result<Vec<Listing<FederationMapping>>> {
        let mut all = client.mappings().list().await.explain("Cannot list the mappings")?;
        all.retain(|it| is_named(&it.id, None, self.id_prefix.as_ref()));
        let listing = |id: String| Listing { name: id.clone(), id, object: None };
        Ok(all.into_iter().map(|it| listing(it.id)).collect())
    }
}
