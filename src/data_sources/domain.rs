//! `data.tenancy_domain`: a Keystone domain, by name or by id.

use std::collections::BTreeSet;

use crate::openstack;
use crate::resources::{Explain, Tenancy, check, one_of};
use crate::tf::{Computed, Context, DataSource, Draft, Model, Result, at};

/// A Keystone domain, found by its name or its id.
#[derive(Model)]
pub struct Domain {
    /// Id of the domain. One of `id` and `name` is needed.
    #[tf(optional, check(check::not_empty))]
    pub id: Computed<String>,
    /// Name of the domain.
    #[tf(optional, check(check::not_empty))]
    pub name: Computed<String>,
    /// What the domain is for.
    pub description: Computed<String>,
    /// Whether the domain's users can log in.
    pub enabled: Computed<bool>,
    /// Its tags.
    pub tags: Computed<BTreeSet<String>>,
    /// Whether Keystone refuses to change or delete it.
    pub immutable: Computed<bool>,
}

impl DataSource for Domain {
    const NAME: &'static str = "domain";
    type Client = Tenancy;

    fn validate(config: &Draft<Self>) -> Result<()> {
        one_of(config.is_set(at!(Self, id)), config.is_set(at!(Self, name)), "id", "name")
    }

    async fn read(config: Self, client: &Context<Tenancy>) -> Result<Self> {
        const SUMMARY: &str = "Cannot find the domain";
        match (config.id.known(), config.name.known()) {
            (Some(id), _) => client.domains().get(&id).await.explain_at(SUMMARY, at!(Self, id)),
            (None, name) => {
                client.domain_named(&name.unwrap_or_default()).await.explain_at(SUMMARY, at!(Self, name))
            }
        }
        .map(Self::from)
    }
}

impl From<openstack::identity::Domain> for Domain {
    fn from(it: openstack::identity::Domain) -> Self {
        let openstack::identity::Domain { id, name, description, enabled, tags, immutable, .. } = it;
        Domain {
            id: id.into(),
            name: name.into(),
            description: description.into(),
            enabled: enabled.into(),
            tags: tags.into(),
            immutable: immutable.into(),
        }
    }
}
