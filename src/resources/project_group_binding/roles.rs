//! Roles: as users write them, by id, and back.

use std::collections::{BTreeMap, BTreeSet};

use super::ProjectGroupBinding;
use crate::openstack::Error;
use crate::resources::{Explain, Tenancy, diagnostic};
use crate::tf::{Diagnostics, Result, at};

/// The ids of roles, by the way they are written.
pub(super) async fn role_ids(roles: &BTreeSet<String>, client: &Tenancy) -> Result<BTreeMap<String, String>> {
    let (mut ids, mut found) = (BTreeMap::new(), Diagnostics::default());
    for written in roles {
        match client.roles().resolve(written).await {
            Ok(role) => drop(ids.insert(written.clone(), role.id)),
            Err(error) => found.push(
                diagnostic(format!("Unknown role \"{written}\""), error).at(at!(ProjectGroupBinding, roles)),
            ),
        }
    }
    found.into_result().map(|()| ids)
}

/// The ids of roles that a state says are held. A role that is gone meanwhile is held by nobody.
pub(super) async fn held_ids(roles: &BTreeSet<String>, client: &Tenancy) -> Result<BTreeMap<String, String>> {
    let mut ids = BTreeMap::new();
    for written in roles {
        match client.roles().resolve(written).await {
            Ok(role) => drop(ids.insert(written.clone(), role.id)),
            Err(Error::Unknown(_)) => (),
            Err(error) => {
                return Err(diagnostic("Cannot find the roles", error)
                    .at(at!(ProjectGroupBinding, roles))
                    .into());
            }
        }
    }
    Ok(ids)
}

/// Role ids as they are written, or else by name.
pub(super) async fn named(
    ids: BTreeSet<String>,
    written: Option<&BTreeSet<String>>,
    client: &Tenancy,
) -> Result<BTreeSet<String>> {
    let ways = match written {
        Some(written) => held_ids(written, client).await?,
        None => BTreeMap::new(),
    };
    let mut all = BTreeSet::new();
    for id in ids {
        let before = all.len();
        all.extend(ways.iter().filter(|(_, known)| **known == id).map(|(way, _)| way.clone()));
        if all.len() == before {
            all.insert(role_name(&id, client).await.explain("Cannot find the roles")?);
        }
    }
    Ok(all)
}

/// A role as users write it: its name, and before it that of the domain if it is a domain's role. The id, if that is all
/// there is.
pub(super) async fn role_name(id: &str, client: &Tenancy) -> Result<String, Error> {
    let role = match client.roles().resolve(id).await {
        Ok(role) => role,
        Err(Error::Unknown(_)) => return Ok(id.to_owned()),
        Err(error) => return Err(error),
    };
    let Some(domain_id) = role.domain_id else { return Ok(role.name) };
    Ok(match client.domains().get_opt(&domain_id).await? {
        Some(domain) => format!("{}/{}", domain.name, role.name),
        None => id.to_owned(),
    })
}
