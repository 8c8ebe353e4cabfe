//! `list "tenancy_identity_provider"`: where federated users log in.

use crate::openstack::identity;
use crate::resources::identity_provider::IdentityProvider;
use crate::resources::{Explain, Tenancy, is_named};
use crate::tf::{Context, Listed, Listing, Model, Result};

/// Lists identity providers.
#[derive(Clone, Debug, Model)]
pub struct IdentityProviders {
    /// Only those whose id starts with this.
    pub id_prefix: Option<String>,
    /// Id of the domain in which their users live.
    pub domain_id: Option<String>,
}

impl Listed for IdentityProviders {
    type Resource = IdentityProvider;

    async fn list(self, client: &Context<Tenancy>) -> Result<Vec<Listing<IdentityProvider>>> {
        let Self { id_prefix, domain_id } = self;
        let all = client.identity_providers().list().await.explain("Cannot list the identity providers")?;
        let wanted = |it: &identity::IdentityProvider| {
            is_named(&it.id, None, id_prefix.as_ref())
                && domain_id.as_ref().is_none_or(|id| *id == it.domain_id)
        };
        let listing = |it: identity::IdentityProvider| Listing {
            name: it.id.clone(),
            id: it.id.clone(),
            object: Some(it.into()),
        };
        Ok(all.into_iter().filter(wanted).map(listing).collect())
    }
}
