//! Members: who of them Keystone knows.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::{MissingMembers, ProjectGroupBinding};
use crate::openstack::identity::User;
use crate::resources::{Explain, Tenancy};
use crate::tf::{Diagnostic, Result, at};

/// The members that were asked for, and who of them is there.
#[derive(Default)]
pub(super) struct People {
    pub(super) known: BTreeMap<String, User>,
    pub(super) missing: BTreeSet<String>,
}

impl People {
    pub(super) async fn find(
        names: &BTreeSet<String>,
        domain: Option<&str>,
        client: &Tenancy,
    ) -> Result<Self> {
        let mut people = People::default();
        if names.is_empty() {
            return Ok(people);
        }
        let domain = match domain {
            Some(id) => id.to_owned(),
            None => client.users_domain_id().await.explain("Cannot find the users' domain")?,
        };
        let users = client.users();
        let found = join_all(names.iter().map(async |name| (name, users.find(&domain, name).await))).await;
        for (name, user) in found {
            match user.explain_at(&format!("Cannot look up \"{name}\""), at!(ProjectGroupBinding, members))? {
                Some(user) => drop(people.known.insert(name.clone(), user)),
                None => drop(people.missing.insert(name.clone())),
            }
        }
        Ok(people)
    }

    pub(super) fn refuse_missing(&self, missing: MissingMembers) -> Result<()> {
        if self.missing.is_empty() || missing == MissingMembers::Skip {
            return Ok(());
        }
        let names: Vec<_> = self.missing.iter().map(|name| format!("\"{name}\"")).collect();
        Err(Diagnostic::error("Keystone does not know all members")
            .detail(format!(
                "There is no user {} in the domain where members are looked up. Set `missing_members = \"skip\"` to add \
                 members once they appear.",
                names.join(", ")
            ))
            .at(at!(ProjectGroupBinding, members))
            .into())
    }
}
