//! `tenancy_federation_protocol`: by which protocol, and with which mapping, users of an identity provider log in.

use super::{Existing, Explain, Tenancy, check, refused};
use crate::openstack::Error;
use crate::openstack::identity::{Protocol, ProtocolChange};
use crate::tf::{
    Attr, Change, Computed, Context, Diagnostic, Diagnostics, Failure, Fields, Identity, Mismatch, Model,
    Outcome, Path, Resource, Result, Schema, Value, at,
};

/// A protocol of an identity provider: users log in by it, and its mapping says what becomes of them.
///
/// Destroying it destroys the identities that users have by it. From Keystone 2026.1 on, users who are known by nothing
/// else go with them. It is replaced if its identity provider is; a `tenancy_federated_user` that refers to it then gets the
/// identity again.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct FederationProtocol {
    /// Both ids: `IDENTITY_PROVIDER/PROTOCOL`.
    #[tf(keep)]
    pub id: Computed<String>,
    /// Id of the identity provider.
    #[tf(replace, check(check::chosen_id))]
    pub identity_provider: String,
    /// Id of the protocol. It is chosen here, and must be the one that the web server in front of Keystone is configured
    /// for, such as `openid` or `mapped`. At most 64 characters, without `/`.
    #[tf(replace, check(check::chosen_id))]
    pub protocol: String,
    /// Id of the mapping.
    #[tf(check(check::chosen_id))]
    pub mapping: String,
    /// Name of the variable in which the web server tells the remote id of the identity provider, such as
    /// `HTTP_OIDC_ISS`. `""` is what Keystone is configured for. Not managed unless set. At most 64 characters.
    #[tf(managed_if_set, check(remote_id_attribute))]
    pub remote_id_attribute: Option<String>,
}

#[allow(clippy::ptr_arg, reason = "a check takes the attribute's own type")]
fn remote_id_attribute(text: &String) -> Result<(), String> {
    match text.chars().count() {
        0..=64 => Ok(()),
        length => Err(format!("Expected at most 64 characters; got {length}.")),
    }
}

/// What finds a protocol: its own id is unique within its identity provider only.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct ProtocolId {
    /// Id of the identity provider.
    pub identity_provider: String,
    /// Id of the protocol.
    pub protocol: String,
}

impl Identity for ProtocolId {
    fn schema() -> Schema {
        <Self as Model>::schema()
    }

    fn decode(value: Value) -> Result<Self, Mismatch> {
        Fields::of(value).and_then(<Self as Model>::decode)
    }

    fn encode(self) -> Value {
        Attr::encode(self)
    }

    fn parse(text: &str) -> Result<Self> {
        match text.split_once('/') {
            Some((provider, protocol)) if !provider.is_empty() && !protocol.is_empty() => {
                Ok(ProtocolId { identity_provider: provider.to_owned(), protocol: protocol.to_owned() })
            }
            _ => Err(Diagnostic::error("Unreadable import id")
                .detail(format!("\"{text}\" names no protocol. Expected IDENTITY_PROVIDER/PROTOCOL, by ids."))
                .into()),
        }
    }
}

impl Resource for FederationProtocol {
    const NAME: &'static str = "federation_protocol";
    type Client = Tenancy;
    type Id = ProtocolId;

    fn id(&self) -> Option<ProtocolId> {
        Some(ProtocolId {
            identity_provider: self.identity_provider.clone(),
            protocol: self.protocol.clone(),
        })
    }

    async fn plan(change: &mut Change<Self>, client: Option<&Context<Tenancy>>) -> Result<()> {
        let Some(client) = client else { return Ok(()) };
        let Some(planned) = &mut change.planned else {
            if let Some(prior) = &change.prior {
                client.note_leaving(&format!("protocol {}", both(&prior.identity_provider, &prior.protocol)));
            }
            return Ok(());
        };
        let provider = planned.get(at!(Self, identity_provider))?;
        if let Some(prior) = &change.prior
            && provider.as_ref() == Some(&prior.identity_provider)
            && client.is_leaving(&Existing::IdentityProvider(&prior.identity_provider).to_string())
        {
            // An identity provider that is made anew under its id comes without protocols.
            planned.set_unknown(at!(Self, id));
            if planned.get(at!(Self, protocol))?.as_ref() == Some(&prior.protocol) {
                client.note_leaving(&identities(&prior.identity_provider, &prior.protocol));
            }
            change.replace_because_of(at!(Self, id));
            return Ok(());
        }
        if let Some(id) = provider.filter(|_| change.prior.is_none()) {
            expect(Existing::IdentityProvider(&id), at!(Self, identity_provider), client).await;
        }
        let mapping = planned.get(at!(Self, mapping))?;
        if let Some(id) = mapping.filter(|id| change.prior.as_ref().is_none_or(|prior| prior.mapping != *id))
        {
            expect(Existing::Mapping(&id), at!(Self, mapping), client).await;
        }
        Ok(())
    }

    async fn create(plan: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        let new = Protocol {
            id: plan.protocol.clone(),
            mapping_id: plan.mapping.clone(),
            remote_id_attribute: plan.remote_id_attribute.clone(),
        };
        client.protocols().create(&plan.identity_provider, &new).await.map_err(refusal)?;
        Ok(Self { id: both(&plan.identity_provider, &plan.protocol).into(), ..plan })
    }

    async fn read(id: ProtocolId, last: Option<Self>, client: &Context<Tenancy>) -> Result<Option<Self>> {
        let ProtocolId { identity_provider, protocol } = id;
        let found = client.protocols().get_opt(&identity_provider, &protocol).await;
        let Some(found) = found.explain("Cannot read the protocol")? else { return Ok(None) };
        let Protocol { id, mapping_id, remote_id_attribute } = found;
        // Keystone may spell it with other capitals.
        let protocol = if last.is_some() { protocol } else { id };
        Ok(Some(FederationProtocol {
            id: both(&identity_provider, &protocol).into(),
            identity_provider,
            protocol,
            mapping: mapping_id,
            remote_id_attribute: match last {
                Some(last) => last.remote_id_attribute.and(remote_id_attribute),
                None => remote_id_attribute,
            },
        }))
    }

    async fn update(from: Self, to: Self, client: &Context<Tenancy>) -> Outcome<Self> {
        let change = ProtocolChange {
            mapping_id: to.mapping.clone(),
            remote_id_attribute: to.remote_id_attribute.clone(),
        };
        match client.protocols().update(&to.identity_provider, &to.protocol, &change).await {
            Ok(()) => Ok(to),
            Err(error) => Err(Failure { state: Some(from), diagnostics: refusal(error) }),
        }
    }

    async fn delete(state: Self, client: &Context<Tenancy>) -> Result<()> {
        let Self { identity_provider, protocol, .. } = &state;
        client.protocols().delete(identity_provider, protocol).await.explain("Cannot delete the protocol")?;
        client.note_leaving(&identities(identity_provider, protocol));
        Ok(())
    }
}

/// What is noted when the identities go that users have by a protocol, and the protocol does not, or comes again.
pub fn identities(identity_provider: &str, protocol: &str) -> String {
    format!("identities by {}", both(identity_provider, protocol))
}

fn both(identity_provider: &str, protocol: &str) -> String {
    format!("{identity_provider}/{protocol}")
}

/// Warns of a reference to something that is not there. It is no error: the very same apply may make it, from a block that
/// this one does not refer to.
async fn expect(what: Existing<'_>, at: impl Into<Path>, client: &Context<Tenancy>) {
    if !client.exists(what).await {
        client.warn(
            Diagnostic::warning(format!("There is no {what} yet"))
                .detail(
                    "Unless it is made first, Keystone will refuse the protocol. If this configuration makes it, refer \
                     to its `id`, so that Terraform knows the order.",
                )
                .at(at),
        );
    }
}

/// A refusal, at the attribute that caused it.
fn refusal(error: Error) -> Diagnostics {
    let path: Option<Path> = match &error {
        Error::Conflict(_) => Some(at!(FederationProtocol, protocol).into()),
        Error::Unknown(it) if it.kind == "mapping" => Some(at!(FederationProtocol, mapping).into()),
        Error::Unknown(_) => Some(at!(FederationProtocol, identity_provider).into()),
        _ => None,
    };
    let mut told = refused("protocol", "tenancy_federation_protocol", error, Path::root());
    told.path = path;
    told.into()
}
