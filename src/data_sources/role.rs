//! `data.tenancy_role`: a role, by name or by id.

use crate::openstack;
use crate::resources::{Explain, Tenancy, check};
use crate::tf::{Computed, Context, DataSource, Model, Result, at};

/// A role, found by its name or its id; a domain-specific role as `domain/role`.
#[derive(Model)]
pub struct Role {
    /// Name or id of the role.
    #[tf(check(check::not_empty))]
    pub name: String,
    /// Id of the role.
    pub id: Computed<String>,
    /// Id of the domain that the role belongs to; null for a role of the whole cloud.
    pub domain_id: Computed<Option<String>>,
    /// What the role is for.
    pub description: Computed<String>,
}

impl DataSource for Role {
    const NAME: &'static str = "role";
    type Client = Tenancy;

    async fn read(config: Self, client: &Context<Tenancy>) -> Result<Self> {
        let role = client.roles().resolve(&config.name).await;
        let openstack::identity::Role { id, name: _, domain_id, description, .. } =
            role.explain_at("Cannot find the role", at!(Self, name))?;
        Ok(Role {
            name: config.name,
            id: id.into(),
            domain_id: domain_id.into(),
            description: description.unwrap_or_default().into(),
        })
    }
}
