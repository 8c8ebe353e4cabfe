//! `list "tenancy_federated_user"`: users who log in through an identity provider.

use std::collections::BTreeMap;

use crate::openstack::identity::UserFilter;
use crate::resources::federated_user::{FederatedUser, Which};
use crate::resources::{Explain, Tenancy, is_named};
use crate::tf::{Context, Listed, Listing, Model, Result};

/// Lists federated users: those with an identity at an identity provider.
///
/// Of a user with several identities the resource object has the first one.
#[derive(Clone, Debug, Model)]
pub struct FederatedUsers {
    /// Id of the identity provider. By default those of all.
    pub identity_provider: Option<String>,
    /// Id of the protocol.
    pub protocol: Option<String>,
    /// Id of the domain that they are in.
    pub domain_id: Option<String>,
    /// Only those of this name.
    pub name: Option<String>,
    /// Only those whose name starts with this.
    pub name_prefix: Option<String>,
}

impl Listed for FederatedUsers {
    type Resource = FederatedUser;

    async fn list(self, client: &Context<Tenancy>) -> Result<Vec<Listing<FederatedUser>>> {
        let Self { identity_provider, protocol, domain_id, name, name_prefix } = self;
        let mut found = BTreeMap::new();
        for provider in providers(identity_provider, client).await? {
            let filter = UserFilter {
                identity_provider: Some(provider),
                protocol: protocol.clone(),
                domain_id: domain_id.clone(),
                ..Default::default()
            };
            let users = client.users().list(&filter).await.explain("Cannot list the users")?;
            found.extend(users.into_iter().map(|it| ((it.name.clone(), it.id.clone()), it)));
        }
        let wanted = found.into_values().filter(|it| {
            domain_id.as_ref().is_none_or(|id| *id == it.domain_id)
                && is_named(&it.name, name.as_ref(), name_prefix.as_ref())
        });
        Ok(wanted.map(|it| Listing { name: it.name, id: Which::from(it.id), object: None }).collect())
    }

    async fn load(id: Which, client: &Context<Tenancy>) -> Result<Option<FederatedUser>> {
        FederatedUser::with_any_identity(id, client).await
    }
}

/// The identity provider that is asked for, or all of them.
pub(super) async fn providers(wanted: Option<String>, client: &Tenancy) -> Result<Vec<String>> {
    if let Some(one) = wanted {
        return Ok(vec![one]);
    }
    let all = client.identity_providers().list().await.explain("Cannot list the identity providers")?;
    Ok(all.into_iter().map(|it| it.id).collect())
}
