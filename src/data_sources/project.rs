//! `data.tenancy_project`: a Keystone project, by name or by id.

use std::collections::{BTreeMap, BTreeSet};

use crate::openstack;
use crate::resources::tenant_project::decoded;
use crate::resources::{Explain, Tenancy, check, one_of};
use crate::tf::{Computed, Context, DataSource, Draft, Model, Result, at};

/// A Keystone project, found by its id, or by its name in a domain.
#[derive(Model)]
pub struct Project {
    /// Id of the project. One of `id` and `name` is needed.
    #[tf(optional, check(check::not_empty))]
    pub id: Computed<String>,
    /// Name of the project.
    #[tf(optional, check(check::not_empty))]
    pub name: Computed<String>,
    /// Id of the domain that the project is in. To find by name: by default the provider's default domain.
    #[tf(optional, check(check::not_empty))]
    pub domain_id: Computed<String>,
    /// Id of the project above this one, or of the domain.
    pub parent_id: Computed<String>,
    /// What the project is for.
    pub description: Computed<String>,
    /// Whether users can get tokens for the project.
    pub enabled: Computed<bool>,
    /// Its tags.
    pub tags: Computed<BTreeSet<String>>,
    /// Further keys that Keystone stores with the project. A value that is not a text is in JSON.
    pub properties: Computed<BTreeMap<String, String>>,
    /// Whether Keystone refuses to change or delete it.
    pub immutable: Computed<bool>,
}

impl DataSource for Project {
    const NAME: &'static str = "project";
    type Client = Tenancy;

    fn validate(config: &Draft<Self>) -> Result<()> {
        one_of(config.is_set(at!(Self, id)), config.is_set(at!(Self, name)), "id", "name")
    }

    async fn read(config: Self, client: &Context<Tenancy>) -> Result<Self> {
        const SUMMARY: &str = "Cannot find the project";
        if let Some(id) = config.id.known() {
            return client.projects().get(&id).await.explain_at(SUMMARY, at!(Self, id)).map(Self::from);
        }
        let domain_id = match config.domain_id.known() {
            Some(id) => id,
            None => client.default_domain_id().await.explain("Cannot find the default domain")?,
        };
        let domain = client.domains().get(&domain_id).await.explain_at(SUMMARY, at!(Self, domain_id))?;
        let name = config.name.known().unwrap_or_default();
        client.project_named(&name, &domain).await.explain_at(SUMMARY, at!(Self, name)).map(Self::from)
    }
}

impl From<openstack::identity::Project> for Project {
    fn from(it: openstack::identity::Project) -> Self {
        let openstack::identity::Project {
            id,
            name,
            domain_id,
            parent_id,
            description,
            enabled,
            tags,
            immutable,
            properties,
            ..
        } = it;
        let properties: BTreeMap<_, _> =
            properties.into_iter().map(|(key, value)| (key, decoded(value))).collect();
        Project {
            id: id.into(),
            name: name.into(),
            domain_id: domain_id.into(),
            parent_id: parent_id.into(),
            description: description.into(),
            enabled: enabled.into(),
            tags: tags.into(),
            properties: properties.into(),
            immutable: immutable.into(),
        }
    }
}
