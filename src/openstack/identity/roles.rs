//! Roles, read once per run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use tokio::sync::OnceCell;

use super::{Object, ROLES};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::error::{Error, Result, UnknownError};

/// A role as Keystone returns it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Role {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The domain it belongs to, if it is one for that domain's projects only.
    #[serde(default)]
    pub domain_id: Option<String>,
    /// Its description.
    #[serde(default)]
    pub description: Option<String>,
}

impl Object for Role {
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn origin(&self) -> Option<&str> {
        None
    }
}

type Cell = Arc<OnceCell<Arc<Vec<Role>>>>;

/// The roles that were read, by domain; `None` are the global ones.
#[derive(Default)]
pub(crate) struct RoleCache(Mutex<HashMap<Option<String>, Cell>>);

/// The roles of a cloud.
#[derive(Clone, Copy, Debug)]
pub struct Roles<'a> {
    cloud: &'a Cloud,
}

impl<'a> Roles<'a> {
    pub(super) fn of(cloud: &'a Cloud) -> Self {
        Self { cloud }
    }

    /// All global roles. Read once per run, however many ask.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn all(&self) -> Result<Arc<Vec<Role>>> {
        self.within(None).await
    }

    /// The roles that belong to a domain. Read once per run.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn of_domain(&self, domain_id: &str) -> Result<Arc<Vec<Role>>> {
        self.within(Some(domain_id)).await
    }

    async fn within(&self, domain_id: Option<&str>) -> Result<Arc<Vec<Role>>> {
        let cell = {
            let mut all = self.cloud.shared.roles.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(domain_id.map(str::to_owned)).or_default().clone()
        };
        let read = cell.get_or_try_init(|| async {
            let call = Call::get(Service::Identity, ROLES.list)
                .queries(domain_id.map(|it| ("domain_id", it)))
                .doing("list the roles");
            super::all_at_once(self.cloud, call, ROLES.many).await.map(Arc::new)
        });
        read.await.cloned()
    }

    /// The role of that id or name. A role of a domain is `domain/role`, the domain by id or name.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the names that are near, and those of any call.
    pub async fn resolve(&self, role: &str) -> Result<Role> {
        let global = self.all().await?;
        if let Some(found) = pick(&global, role) {
            return Ok(found);
        }
        if let Some((domain, name)) = role.split_once('/') {
            let domain = match self.cloud.domains().find(domain).await? {
                Some(it) => it,
                None => self.cloud.domains().get(domain).await?,
            };
            let own = self.of_domain(&domain.id).await?;
            return pick(&own, name)
                .ok_or_else(|| unknown(name, Some(format!("domain \"{}\"", domain.name)), &own));
        }
        // A role of a domain by its id, or one that was made since the list was read.
        let by_id = is_id(role).then(|| ROLES.read::<Role>(self.cloud, role));
        if let Some(by_id) = by_id
            && let Some(found) = by_id.await?
        {
            return Ok(found);
        }
        if let Some(found) = by_name(self.cloud, role).await? {
            return Ok(found);
        }
        Err(unknown(role, None, &global))
    }
}

/// A look-up by name, without `limit`, which would cut the list of roles.
async fn by_name(cloud: &Cloud, name: &str) -> Result<Option<Role>> {
    let call = Call::get(Service::Identity, ROLES.list)
        .query("name", name)
        .doing(format!("find the role \"{name}\""));
    Ok(pick(&super::all_at_once(cloud, call, ROLES.many).await?, name))
}

/// By id, then by exact name, then by the name in another case: Keystone on MariaDB has no two such names.
fn pick(all: &[Role], role: &str) -> Option<Role> {
    let folded = role.to_lowercase();
    all.iter()
        .find(|it| it.id == role)
        .or_else(|| all.iter().find(|it| it.name == role))
        .or_else(|| all.iter().find(|it| it.name.to_lowercase() == folded))
        .cloned()
}

fn is_id(text: &str) -> bool {
    text.len() == 32 && text.chars().all(|it| it.is_ascii_hexdigit())
}

fn unknown(name: &str, within: Option<String>, all: &[Role]) -> Error {
    let near = super::near(name, all.iter().map(|it| it.name.as_str()));
    Error::Unknown(Box::new(UnknownError { kind: "role", name: name.into(), within, near }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles() -> Vec<Role> {
        ["member", "reader", "admin", "heat_stack_owner", "load-balancer_member"]
            .map(|name| Role {
                id: format!("id-{name}"),
                name: name.into(),
                domain_id: None,
                description: None,
            })
            .into()
    }

    #[test]
    fn a_role_is_found_by_id_or_name() {
        let all = roles();
        for (asked, found) in [
            ("member", Some("member")),
            ("Member", Some("member")),
            ("id-admin", Some("admin")),
            ("membr", None),
        ] {
            assert_eq!(pick(&all, asked).map(|it| it.name).as_deref(), found, "{asked}");
        }
    }

    #[test]
    fn near_names_are_told() {
        let cases = [
            ("_member_", r#"there is no role "_member_". Near: "member""#),
            ("stack_owner", r#"there is no role "stack_owner". Near: "heat_stack_owner""#),
            ("zzzzz", r#"there is no role "zzzzz""#),
        ];
        for (asked, text) in cases {
            assert_eq!(unknown(asked, None, &roles()).to_string(), text);
        }
    }
}
