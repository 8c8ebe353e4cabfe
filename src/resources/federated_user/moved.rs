//! Users that another provider made.

use super::{FederatedUser, OnExisting};
use crate::openstack::identity::stored_unique_id;
use crate::resources::{Explain, OPENSTACK, Tenancy};
use crate::tf::{Computed, Context, Move, Old, Result};

pub(super) fn moves() -> Vec<Move<FederatedUser>> {
    vec![Move { provider: OPENSTACK, from: "openstack_identity_user_v3", take }]
}

/// The user of another provider's state, which knows nothing of identity providers.
fn take(old: &Old) -> Result<FederatedUser> {
    let name = old.must("name")?;
    Ok(FederatedUser {
        id: old.must("id")?.into(),
        domain_id: old.text("domain_id").map_or(Computed::Unknown, Computed::Known),
        identity_provider: String::new(),
        protocol: String::new(),
        unique_id: name.clone().into(),
        unique_id_stored: None.into(),
        enabled: Some(old.is("enabled")),
        email: None,
        description: Some(old.text("description").unwrap_or_default()),
        default_project_id: Some(old.text("default_project_id").unwrap_or_default()),
        on_existing: OnExisting::Adopt,
        on_destroy: None,
        // Terraform made the user, if by another provider.
        adopted: false.into(),
        name,
    })
}

/// A user with one identity has that one. One with none, or with several, is given the one that is written.
pub(super) async fn settle(moved: FederatedUser, client: &Context<Tenancy>) -> Result<Option<FederatedUser>> {
    const SUMMARY: &str = "Cannot read the user that was moved";
    let users = client.users();
    let Some(user) = users.get_opt(&moved.own_id()).await.explain(SUMMARY)? else { return Ok(None) };
    let links = users.identities(&user).await.explain(SUMMARY)?;
    let own = stored_unique_id(&user.name);
    let link = match &links[..] {
        [one] => Some(one),
        several => several.iter().find(|it| it.unique_id == own),
    };
    Ok(Some(match link {
        Some(link) => FederatedUser { adopted: false.into(), ..FederatedUser::imported(user, link) },
        None => moved.seen(user, None),
    }))
}
