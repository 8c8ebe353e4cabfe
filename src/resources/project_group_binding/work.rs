//! What is done to a group: grants and memberships.

use futures_util::future::join_all;

use super::ProjectGroupBinding;
use crate::openstack::Error;
use crate::openstack::identity::{Actor, Grant, Scope, User};
use crate::resources::{Tenancy, diagnostic};
use crate::tf::{At, Diagnostics, at};

/// Grants and memberships of one group, done side by side; each failure is told, none stops the others.
pub(super) struct Work<'a> {
    pub(super) client: &'a Tenancy,
    group_id: &'a str,
    pub(super) done: usize,
    pub(super) found: Diagnostics,
}

impl<'a> Work<'a> {
    pub(super) fn new(client: &'a Tenancy, group_id: &'a str) -> Self {
        Work { client, group_id, done: 0, found: Diagnostics::default() }
    }

    pub(super) fn of(&self, scope: &Scope, role_id: &str, inherited: bool) -> Grant {
        let actor = Actor::Group(self.group_id.to_owned());
        Grant { role_id: role_id.to_owned(), actor, scope: scope.clone(), inherited }
    }

    pub(super) async fn grant(
        &mut self,
        scope: &Scope,
        inherited: bool,
        roles: impl Iterator<Item = &String>,
    ) {
        let grants = self.client.grants();
        let all: Vec<_> = roles.map(|role| self.of(scope, role, inherited)).collect();
        let results = join_all(all.iter().map(|grant| grants.add(grant))).await;
        self.note("Cannot grant a role", at!(ProjectGroupBinding, roles), results);
    }

    pub(super) async fn revoke(
        &mut self,
        scope: &Scope,
        inherited: bool,
        roles: impl Iterator<Item = &String>,
    ) {
        let grants = self.client.grants();
        let all: Vec<_> = roles.map(|role| self.of(scope, role, inherited)).collect();
        let results = join_all(all.iter().map(|grant| grants.remove(grant))).await;
        self.note("Cannot revoke a role", at!(ProjectGroupBinding, roles), results);
    }

    pub(super) async fn add(&mut self, users: impl Iterator<Item = &User>) {
        let groups = self.client.groups();
        let adding = users.map(async |user| (user, groups.add_member(self.group_id, &user.id).await));
        for (user, result) in join_all(adding).await {
            let summary = format!("Cannot add the member \"{}\"", user.name);
            self.note(&summary, at!(ProjectGroupBinding, members), [result]);
        }
    }

    pub(super) async fn remove(&mut self, users: &[User]) {
        let groups = self.client.groups();
        let removing =
            users.iter().map(async |user| (user, groups.remove_member(self.group_id, &user.id).await));
        for (user, result) in join_all(removing).await {
            let summary = format!("Cannot remove the member \"{}\"", user.name);
            self.note(&summary, at!(ProjectGroupBinding, members), [result]);
        }
    }

    pub(super) fn note<T>(
        &mut self,
        summary: &str,
        at: At<ProjectGroupBinding, T>,
        results: impl IntoIterator<Item = Result<(), Error>>,
    ) {
        for result in results {
            match result {
                Ok(()) => self.done += 1,
                Err(error) => self.found.push(diagnostic(summary, error).at(at)),
            }
        }
    }
}
