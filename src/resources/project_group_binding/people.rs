//! Members: who of them Keystone knows.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::work::Work;
use super::{MissingMembers, ProjectGroupBinding};
use crate::openstack::Error;
use crate::openstack::identity::{Link, NewUser, User, UserChange, stored_unique_id};
use crate::resources::federated_user::take::{Refused, take};
use crate::resources::{Explain, Federation, Tenancy, diagnostic};
use crate::tf::{Context, Diagnostic, Diagnostics, Result, at};

/// The members that were asked for, and who of them is there.
#[derive(Default)]
pub(super) struct People {
    pub(super) known: BTreeMap<String, User>,
    pub(super) missing: BTreeSet<String>,
    /// Names of which nobody can tell whom they mean, and why.
    unclear: BTreeMap<String, Error>,
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

/// MariaDB and MySQL do not tell case apart, and Keystone answers as they do. Accents it does not tell apart either: who is
/// spelled with others is looked up, so that Keystone says it.
fn same_name(one: &str, other: &str) -> bool {
    one == other || one.to_lowercase() == other.to_lowercase()
}

/// A member who is none of those that a name can mean: of another domain, or a namesake.
fn stranger(name: &str, id: &str) -> String {
    format!("{name} ({id})")
}

/// Whether this is how a state has such a member: that is nobody's name.
fn is_stranger(text: &str) -> bool {
    let id = text.strip_suffix(')').and_then(|it| it.rsplit_once(" (")).map_or("", |(_, id)| id);
    matches!(id.len(), 32 | 64) && id.bytes().all(|it| it.is_ascii_hexdigit())
}

/// Who is in a group.
pub(super) async fn of_group(group_id: &str, client: &Tenancy) -> Result<Vec<User>> {
    match client.groups().members(group_id).await {
        // Whether the group itself is there, others ask at the same time.
        Err(error) if error.is_not_found_of(group_id) => Ok(Vec::new()),
        other => other.explain_at("Cannot read the group's members", at!(ProjectGroupBinding, members)),
    }
}

/// Members as a configuration would say them. `None` if it could not: somebody is of another domain, or has no name of their
/// own. They are then not managed.
pub(super) async fn imported(members: Vec<User>, client: &Tenancy) -> Result<Option<BTreeSet<String>>> {
    if members.is_empty() {
        return Ok(Some(BTreeSet::new()));
    }
    let domain_id = users_domain(None, client).await?;
    let count = members.len();
    let here = members.into_iter().filter(|it| it.domain_id == domain_id && !it.name.is_empty());
    let names: BTreeSet<_> = here.map(|it| it.name).collect();
    Ok(Some(names).filter(|names| names.len() == count))
}

async fn users_domain(written: Option<&str>, client: &Tenancy) -> Result<String> {
    match written {
        Some(id) => Ok(id.to_owned()),
        None => client.users_domain_id().await.explain("Cannot find the users' domain"),
    }
}

impl People {
    /// `members` are those of the group: who of them has the name need not be looked up.
    pub(super) async fn find(
        names: &BTreeSet<String>,
        domain: Option<&str>,
        members: &[User],
        client: &Tenancy,
    ) -> Result<Self> {
        let mut people = People::default();
        if names.is_empty() && members.is_empty() {
            return Ok(people);
        }
        let domain = users_domain(domain, client).await?;
        people.domain_id.clone_from(&domain);
        let mut others = Vec::new();
        for name in names.iter().filter(|it| !is_stranger(it)) {
            let named = members.iter().filter(|it| it.domain_id == domain && same_name(&it.name, name));
            match User::meant(name, named.cloned().collect()) {
                Ok(Some(user)) => drop(people.known.insert(name.clone(), user)),
                Ok(None) | Err(_) => others.push(name),
            }
        }
        let users = client.users();
        let found = join_all(others.into_iter().map(async |name| (name, users.find(&domain, name).await)));
        for (name, user) in found.await {
            if let Err(why @ Error::Ambiguous { .. }) = user {
                people.unclear.insert(name.clone(), why);
                continue;
            }
            match user.explain_at(&format!("Cannot look up \"{name}\""), at!(ProjectGroupBinding, members))? {
                Some(user) => drop(people.known.insert(name.clone(), user)),
                None => drop(people.missing.insert(name.clone())),
            }
        }
        Ok(people)
    }

    /// Members as a state has them: who is wanted by the name that is written, and everybody else so that nobody takes them
    /// for one of those.
    pub(super) async fn shown(
        &self,
        wanted: &BTreeSet<String>,
        members: Vec<User>,
        client: &Tenancy,
    ) -> BTreeSet<String> {
        let mut shown = BTreeSet::new();
        for user in members {
            let before = shown.len();
            shown.extend(self.known.iter().filter(|(_, it)| it.id == user.id).map(|(name, _)| name.clone()));
            if shown.len() > before {
                continue;
            }
            if user.domain_id != self.domain_id {
                // What is not told is not known by a name.
                let domain = client.domains().get_opt(&user.domain_id).await.ok().flatten();
                let domain = domain.map_or_else(|| user.domain_id.clone(), |it| it.name);
                shown.insert(stranger(&format!("{domain}/{}", user.name), &user.id));
            } else if user.name.is_empty() || wanted.contains(&user.name) || shown.contains(&user.name) {
                shown.insert(stranger(&user.name, &user.id));
            } else {
                shown.insert(user.name);
            }
        }
        shown
    }

    /// Refuses whom nobody can tell, and who is missing if that is an error.
    pub(super) fn refuse(&self, missing: MissingMembers) -> Result<()> {
        let mut found = Diagnostics::default();
        for (name, why) in &self.unclear {
            let mut told = diagnostic(format!("Several users have the name \"{name}\""), why.clone());
            told.detail.push_str(
                "\n\nGive the one who is meant a name that nobody else has, by a `tenancy_federated_user` that imports the id, \
                 and write that here.",
            );
            found.push(told.at(at!(ProjectGroupBinding, members)));
        }
        if !self.missing.is_empty() && missing == MissingMembers::Fail {
            let names: Vec<_> = self.missing.iter().map(|name| format!("\"{name}\"")).collect();
            found.push(
                Diagnostic::error("Keystone does not know all members")
                    .detail(format!(
                        "There is no user {} in the domain where members are looked up. Set `missing_members = \"skip\"` to \
                         add members once they appear.",
                        names.join(", ")
                    ))
                    .at(at!(ProjectGroupBinding, members)),
            );
        }
        found.into_result()
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
        let results = join_all(wanted.iter().map(|new| take(new, false, true, self.client))).await;
        for (new, result) in wanted.iter().zip(results) {
            match result {
                Ok(taken) => {
                    people.missing.remove(&new.name);
                    people.known.insert(new.name.clone(), taken.user);
                }
                Err(why) => {
                    let mut told = explain(why, new).at(at!(ProjectGroupBinding, members));
                    told.summary = format!("Cannot make the member \"{}\": {}", new.name, told.summary);
                    self.found.push(told);
                }
            }
        }
    }
}

/// A refusal as a member is told it. Who lives in another domain is no member that is looked up in this one.
fn explain(why: Refused, new: &NewUser) -> Diagnostic {
    let elsewhere = match &why {
        Refused::Elsewhere(user) => Some((user.id.clone(), user.name.clone(), user.domain_id.clone())),
        _ => None,
    };
    let told = why.explain(new);
    let Some((id, name, domain_id)) = elsewhere else { return told };
    told.detail(format!(
        "The identity {} belongs to user \"{name}\" ({id}) of domain {domain_id}, and members are looked up in domain {}. Keystone \
         moves no user. Set `members_domain_id` to the user's domain, or delete that user first.",
        new.link, new.domain_id
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_nobodys_names() {
        assert!(is_stranger(&stranger("acme/jane", &"0f".repeat(16))));
        assert!(is_stranger(&stranger("", &"0f".repeat(32))));
        for name in ["jane", "jane (0f)", "acme/jane", "jane (guest of the administration, w)"] {
            assert!(!is_stranger(name), "{name}");
        }
    }
}
