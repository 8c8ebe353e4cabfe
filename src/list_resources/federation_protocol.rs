//! `list "tenancy_federation_protocol"`: by which protocols users log in.

use crate::resources::federation_protocol::{FederationProtocol, ProtocolId};
use crate::resources::{Explain, Tenancy};
use crate::tf::{Context, Listed, Listing, Model, Result};

/// Lists protocols of identity providers.
#[derive(Clone, Debug, Model)]
pub struct FederationProtocols {
    /// Id of the identity provider. By default those of all.
    pub identity_provider: Option<String>,
}

impl Listed for FederationProtocols {
    type Resource = FederationProtocol;

    async fn list(self, client: &Context<Tenancy>) -> Result<Vec<Listing<FederationProtocol>>> {
        let mut found = Vec::new();
        for identity_provider in super::federated_user::providers(self.identity_provider, client).await? {
            let all = client.protocols().list(&identity_provider).await;
            for it in all.explain("Cannot list the protocols")? {
                let name = format!("{identity_provider}/{}", it.id);
                let id = ProtocolId { identity_provider: identity_provider.clone(), protocol: it.id };
                found.push(Listing { name, id, object: None });
            }
        }
        Ok(found)
    }
}
