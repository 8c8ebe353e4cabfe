//! Members: who of them Keystone knows.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::work::Work;
use super::{MissingMembers, ProjectGroupBinding};
use crate::openstack::identity::{Link, NewUser, User, UserChange, stored_unique_id};
use crate::resources::federated_user::take::take;
use crate::resources::{Explain, Federation, Tenancy};
use crate::tf::{Context, Diagnostic, Result, at};

/// The members that were asked for, and who of them is there.
#[derive(Default)]
pub(super) struct People {
    pub(super) known: BTreeMap<String, User>,
    pub(super) missing: BTreeSet<String>,
    /// Id of the domain in which they were looked for.
    domain_id: String,
}

/// How missing members are made, if they are.
pub(super) fn maker(
    missing: MissingMembers,
    federation: Option<Federation>,
    client: &Tenancy,
) -> Result<Option<Federation>> {
    if missing != MissingMembers::Create {
        return Ok(None);
    }
    match federation.or_else(|| client.defaults.federation.clone()) {
        Some(it) => Ok(Some(it)),
        None => Err(Diagnostic::error("Nobody says how missing members log in")
            .detail(
                "To make users Keystone must be told their identity provider and protocol. Set `federation` here or in the \
                 provider block, or `missing_members = \"skip\"`.",
            )
            .at(at!(ProjectGroupBinding, missing_members))
            .into()),
    }
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
        people.domain_id.clone_from(&domain);
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
        if self.missing.is_empty() || missing != MissingMembers::Fail {
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

    /// Who stays missing.
    pub(super) fn pending(&self, federation: Option<&Federation>) -> BTreeSet<String> {
        if federation.is_some() { BTreeSet::new() } else { self.missing.clone() }
    }

    /// Says in a plan who is not there.
    pub(super) fn announce_missing(&self, federation: Option<&Federation>, client: &Context<Tenancy>) {
        let members = at!(ProjectGroupBinding, members);
        if let Some(Federation { identity_provider, protocol }) = federation {
            if !self.missing.is_empty() {
                let names: String = self.missing.iter().map(|name| format!("\n- {name}")).collect();
                let told = Diagnostic::warning(format!("Users to be made: {}", self.missing.len()));
                client.warn(told.at(members).detail(format!(
                    "Keystone does not know these members by name. The apply makes them, as users who log in through \
                     {identity_provider}/{protocol}; somebody who has the identity already gets the name instead.{names}"
                )));
            }
            return;
        }
        for name in &self.missing {
            let told = Diagnostic::warning(format!("Member \"{name}\" is pending"));
            client.warn(told.at(members).detail(format!(
                "Keystone does not know a user \"{name}\" in the domain where members are looked up. The first plan after \
                 they appear adds them to the group."
            )));
        }
    }
}

impl Work<'_> {
    /// Makes those who are missing, if missing members are made. Each failure is told, none stops the others.
    pub(super) async fn make_missing(&mut self, people: &mut People, federation: Option<&Federation>) {
        let Some(Federation { identity_provider, protocol }) = federation else { return };
        let new = |name: &String| NewUser {
            name: name.clone(),
            domain_id: people.domain_id.clone(),
            link: Link {
                identity_provider: identity_provider.clone(),
                protocol: protocol.clone(),
                unique_id: stored_unique_id(name),
            },
            rest: UserChange::default(),
        };
        let wanted: Vec<_> = people.missing.iter().map(new).collect();
        let results = join_all(wanted.iter().map(|new| take(new, true, true, self.client))).await;
        for (new, result) in wanted.iter().zip(results) {
            match result {
                Ok(taken) => {
                    people.missing.remove(&new.name);
                    people.known.insert(new.name.clone(), taken.user);
                }
                Err(why) => {
                    let mut told = why.explain(new).at(at!(ProjectGroupBinding, members));
                    told.summary = format!("Cannot make the member \"{}\": {}", new.name, told.summary);
                    self.found.push(told);
                }
            }
        }
    }
}
