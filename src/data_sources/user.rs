//! `data.tenancy_user`: a user, by id, by name or by identity.

use crate::openstack::identity::{self, Link, stored_unique_id, unique_id_of};
use crate::resources::{Explain, Tenancy, check};
use crate::tf::{Computed, Context, DataSource, Diagnostic, Draft, Model, Result, at};

/// A user, found by its id, by its name in a domain, or by the identity under which it logs in.
#[derive(Model)]
pub struct User {
    /// Id of the user. One of `id`, `name` and `unique_id` is needed.
    #[tf(optional, check(check::not_empty))]
    pub id: Computed<String>,
    /// Name of the user. One who has it as own name goes before those who have it as display name of a login, which several
    /// may have: that is an error.
    #[tf(optional, check(check::not_empty))]
    pub name: Computed<String>,
    /// Id of the domain that the user is in. To find by name: by default the provider's `users_domain_id`.
    #[tf(optional, check(check::not_empty))]
    pub domain_id: Computed<String>,
    /// Keystone's id of the identity provider. To find by identity.
    #[tf(check(check::not_empty))]
    pub identity_provider: Option<String>,
    /// Keystone's id of the protocol. To find by identity.
    #[tf(check(check::not_empty))]
    pub protocol: Option<String>,
    /// Who the user is at the identity provider, as that writes it: not quoted. To find by identity.
    #[tf(check(check::not_empty))]
    pub unique_id: Option<String>,
    /// Whether the user can log in.
    pub enabled: Computed<bool>,
    /// E-mail address; null if there is none.
    pub email: Computed<Option<String>>,
    /// Who the user is; null if nobody said.
    pub description: Computed<Option<String>>,
    /// Id of the project for logins that name none; null if there is none.
    pub default_project_id: Computed<Option<String>>,
    /// The identities under which the user logs in; none for a local user.
    pub identities: Computed<Vec<UserIdentity>>,
}

/// An identity under which a user logs in.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct UserIdentity {
    /// Keystone's id of the identity provider.
    pub identity_provider: Computed<String>,
    /// Keystone's id of the protocol.
    pub protocol: Computed<String>,
    /// Who the user is at the identity provider.
    pub unique_id: Computed<String>,
    /// The same as Keystone stores it: quoted as for a URL.
    pub unique_id_stored: Computed<String>,
}

impl DataSource for User {
    const NAME: &'static str = "user";
    type Client = Tenancy;

    fn validate(config: &Draft<Self>) -> Result<()> {
        let ways = [
            config.is_set(at!(Self, id)),
            config.is_set(at!(Self, name)),
            config.is_set(at!(Self, unique_id)),
        ];
        let identity = [
            config.is_set(at!(Self, identity_provider)),
            config.is_set(at!(Self, protocol)),
            config.is_set(at!(Self, unique_id)),
        ];
        if ways.iter().filter(|set| **set).count() != 1 {
            return Err(Diagnostic::error("One of id, name and unique_id is needed")
                .detail("Set exactly one of `id`, `name` and `unique_id`.")
                .at(at!(Self, id))
                .into());
        }
        if identity.contains(&true) && identity.contains(&false) {
            return Err(Diagnostic::error("The identity is incomplete")
                .detail("Set all three of `identity_provider`, `protocol` and `unique_id`, or none.")
                .at(at!(Self, unique_id))
                .into());
        }
        Ok(())
    }

    async fn read(config: Self, client: &Context<Tenancy>) -> Result<Self> {
        const SUMMARY: &str = "Cannot find the user";
        let User { id, name, domain_id, identity_provider, protocol, unique_id, .. } = config;
        let users = client.users();
        let found = match (id.known(), name.known(), unique_id.clone()) {
            (Some(id), _, _) => users.get(&id).await.explain_at(SUMMARY, at!(Self, id))?,
            (None, Some(name), _) => {
                let domain_id = match domain_id.known() {
                    Some(id) => id,
                    None => client.users_domain_id().await.explain("Cannot find the users' domain")?,
                };
                let domain = client.domains().get(&domain_id).await;
                let domain = domain.explain_at(SUMMARY, at!(Self, domain_id))?;
                let user = client.user_named(&name, &domain).await.explain_at(SUMMARY, at!(Self, name))?;
                // A list does not tell identities.
                users.get(&user.id).await.explain_at(SUMMARY, at!(Self, name))?
            }
            (None, None, unique_id) => {
                let link = Link {
                    identity_provider: identity_provider.clone().unwrap_or_default(),
                    protocol: protocol.clone().unwrap_or_default(),
                    unique_id: stored_unique_id(&unique_id.unwrap_or_default()),
                };
                let user = users.linked(&link).await.explain_at(SUMMARY, at!(Self, unique_id))?;
                let user = user.ok_or_else(|| {
                    let detail = format!("No user has the identity {link}, as Keystone would store it.");
                    Diagnostic::error(SUMMARY).detail(detail).at(at!(Self, unique_id))
                })?;
                users.get(&user.id).await.explain_at(SUMMARY, at!(Self, unique_id))?
            }
        };
        let links = users.identities(&found).await.explain("Cannot read the user's identities")?;
        let identity::User { id, name, domain_id, enabled, email, description, default_project_id, .. } =
            found;
        Ok(User {
            id: id.into(),
            name: name.into(),
            domain_id: domain_id.into(),
            identity_provider,
            protocol,
            unique_id,
            enabled: enabled.into(),
            email: email.into(),
            description: description.into(),
            default_project_id: default_project_id.into(),
            identities: links.into_iter().map(UserIdentity::from).collect::<Vec<_>>().into(),
        })
    }
}

impl From<Link> for UserIdentity {
    fn from(it: Link) -> Self {
        let Link { identity_provider, protocol, unique_id } = it;
        UserIdentity {
            identity_provider: identity_provider.into(),
            protocol: protocol.into(),
            unique_id: unique_id_of(&unique_id).into(),
            unique_id_stored: unique_id.into(),
        }
    }
}
