//! `data.tenancy_group`: a group, by name or by id, and who is in it.

use std::collections::BTreeSet;

use crate::openstack::identity;
use crate::resources::{Explain, Tenancy, check, one_of};
use crate::tf::{Computed, Context, DataSource, Draft, Model, Result, at};

/// A group, found by its id, or by its name in a domain.
#[derive(Model)]
pub struct Group {
    /// Id of the group. One of `id` and `name` is needed.
    #[tf(optional, check(check::not_empty))]
    pub id: Computed<String>,
    /// Name of the group.
    #[tf(optional, check(check::not_empty))]
    pub name: Computed<String>,
    /// Id of the domain that the group is in. To find by name: by default the provider's default domain.
    #[tf(optional, check(check::not_empty))]
    pub domain_id: Computed<String>,
    /// What the group is for.
    pub description: Computed<String>,
    /// Whether to read the members as well, which is one more request.
    #[tf(default = false)]
    pub with_members: bool,
    /// Ids of the permanent members; null without `with_members`. Memberships that come and go with a federated login
    /// are not among them.
    pub member_ids: Computed<Option<BTreeSet<String>>>,
}

impl DataSource for Group {
    const NAME: &'static str = "group";
    type Client = Tenancy;

    fn validate(config: &Draft<Self>) -> Result<()> {
        one_of(config.is_set(at!(Self, id)), config.is_set(at!(Self, name)), "id", "name")
    }

    async fn read(config: Self, client: &Context<Tenancy>) -> Result<Self> {
        const SUMMARY: &str = "Cannot find the group";
        let found = match config.id.known() {
            Some(id) => client.groups().get(&id).await.explain_at(SUMMARY, at!(Self, id))?,
            None => {
                let domain_id = match config.domain_id.known() {
                    Some(id) => id,
                    None => client.default_domain_id().await.explain("Cannot find the default domain")?,
                };
                let domain = client.domains().get(&domain_id).await;
                let domain = domain.explain_at(SUMMARY, at!(Self, domain_id))?;
                let name = config.name.known().unwrap_or_default();
                client.group_named(&name, &domain).await.explain_at(SUMMARY, at!(Self, name))?
            }
        };
        let identity::Group { id, name, domain_id, description, .. } = found;
        let members = match config.with_members {
            true => {
                let members = client.groups().members(&id).await;
                let members =
                    members.explain_at("Cannot read the group's members", at!(Self, with_members))?;
                Some(members.into_iter().map(|user| user.id).collect())
            }
            false => None,
        };
        Ok(Group {
            id: id.into(),
            name: name.into(),
            domain_id: domain_id.into(),
            description: description.into(),
            with_members: config.with_members,
            member_ids: members.into(),
        })
    }
}
