//! One tenant: read, made, changed and removed, part by part.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use futures_util::join;

use super::parts::{Frame, below, in_binding, in_project, in_quotas, tenant_at};
use super::{Binding, Tenant};
use crate::resources::project_group_binding::ProjectGroupBinding;
use crate::resources::quota_set::QuotaSet;
use crate::resources::quotas::{Quotas, work};
use crate::resources::tenant_project::TenantProject;
use crate::resources::{Explain, Tenancy};
use crate::tf::{Computed, Context, Diagnostic, Diagnostics, Failure, Path, Resource, Result};

/// A tenant after some work, and what is to be said of that.
pub(super) struct Done {
    /// What is there, if anything is.
    pub(super) tenant: Option<Tenant>,
    pub(super) found: Diagnostics,
}

/// A tenant as it was: its key, and what it shared with the others.
#[derive(Clone, Copy)]
pub(super) struct Was<'a> {
    pub(super) frame: &'a Frame,
    pub(super) key: &'a str,
    pub(super) tenant: &'a Tenant,
}

type Bindings = BTreeMap<String, Binding>;

impl Frame {
    /// A tenant as it is now. `None` if nothing of it is there: it is to be made again. If its groups are still there, it is
    /// what is left of it: a tenant without a project, whose groups have no roles.
    pub(super) async fn read(
        &self,
        key: &str,
        last: &Tenant,
        client: &Context<Tenancy>,
    ) -> Result<Option<Tenant>> {
        let project = match last.id() {
            Some(id) => {
                let last = self.project(key, last, Computed::Unknown);
                let read = TenantProject::read(id.to_owned(), Some(last), client).await;
                read.map_err(|why| in_project(why, key))?
            }
            None => None,
        };
        let Some(project) = project else { return self.read_rest(key, last, client).await };
        let (bindings, quotas) = join!(self.read_bindings(key, last, client), read_quotas(key, last, client));
        let now = last.clone().with_project(key, project);
        Ok(Some(Tenant { bindings: bindings?, quotas: quotas?, ..now }))
    }

    async fn read_bindings(
        &self,
        key: &str,
        last: &Tenant,
        client: &Context<Tenancy>,
    ) -> Result<Option<Bindings>> {
        let Some(bindings) = &last.bindings else { return Ok(None) };
        let reads = bindings.iter().map(|(name, binding)| {
            let last_binding = self.binding(key, last, name, binding);
            Box::pin(async move {
                let Some(id) = last_binding.id() else { return (name, Ok(None)) };
                (name, ProjectGroupBinding::read(id, Some(last_binding), client).await)
            })
        });
        let (mut all, mut found) = (Bindings::new(), Diagnostics::default());
        for (name, read) in join_all(reads).await {
            match read {
                Ok(Some(it)) => {
                    let written = bindings.get(name).is_some_and(|it| it.group_name.is_some());
                    all.insert(name.clone(), Binding::seen(it, last.name(key), name, written));
                }
                Ok(None) => (),
                Err(why) => found.extend(in_binding(why, key, name)),
            }
        }
        found.into_result().map(|()| Some(all))
    }

    /// What is left of a tenant whose project is gone.
    async fn read_rest(&self, key: &str, last: &Tenant, client: &Context<Tenancy>) -> Result<Option<Tenant>> {
        let mut left = Bindings::new();
        for (name, binding) in last.bindings.iter().flatten() {
            let Some(id) = binding.group_id.as_known() else { continue };
            let group = client.groups().get_opt(id).await.explain("Cannot read the group");
            if group.map_err(|why| in_binding(why, key, name))?.is_some() {
                let roles = Default::default();
                left.insert(name.clone(), Binding { roles, ..binding.clone() });
            }
        }
        Ok((!left.is_empty()).then(|| Tenant {
            project_id: Computed::Known(None),
            bindings: Some(left),
            quotas: None,
            ..last.clone()
        }))
    }

    /// Makes a tenant. `was` is what is left of it, if something is.
    pub(super) async fn make(
        &self,
        was: Option<Was<'_>>,
        key: &str,
        plan: &Tenant,
        parent_id: Computed<String>,
        client: &Context<Tenancy>,
    ) -> Done {
        let part = client.part();
        let made = TenantProject::create(self.project(key, plan, parent_id), &part).await;
        let mut found = in_project(part.take_warnings(), key);
        match made {
            Ok(project) => {
                let to = plan.clone().with_project(key, project);
                self.finish(was, key, to.clone(), to, found, client).await
            }
            Err(Failure { diagnostics, .. }) => {
                found.extend(in_project(diagnostics, key));
                Done { tenant: was.map(|it| it.tenant.clone()), found }
            }
        }
    }

    /// Changes a tenant whose project is there. With `again` what it was is read first, since the state may not know.
    pub(super) async fn change(
        &self,
        was: Was<'_>,
        key: &str,
        to: &Tenant,
        again: bool,
        client: &Context<Tenancy>,
    ) -> Done {
        let read;
        let was = match again {
            false => was,
            true => match was.frame.read(was.key, was.tenant, client).await {
                Ok(Some(now)) if now.id().is_some() => {
                    read = now;
                    Was { tenant: &read, ..was }
                }
                Ok(now) => return Done { tenant: now, found: gone(key) },
                Err(found) => return Done { tenant: Some(was.tenant.clone()), found },
            },
        };
        let before = was.frame.project(was.key, was.tenant, Computed::Unknown);
        let wanted = self.project(key, to, Computed::Unknown);
        let part = client.part();
        let project = match before == wanted {
            true => Ok(wanted),
            false => TenantProject::update(before.clone(), wanted, &part).await,
        };
        let mut found = in_project(part.take_warnings(), key);
        let now = match project {
            Ok(project) => to.clone().with_project(key, project),
            Err(Failure { state, diagnostics }) => {
                found.extend(in_project(diagnostics, key));
                to.clone().with_project(key, state.unwrap_or(before))
            }
        };
        self.finish(Some(was), key, to.clone(), now, found, client).await
    }

    /// Takes in a project that is there, and nobody's here.
    pub(super) async fn take(&self, id: &str, key: &str, to: &Tenant, client: &Context<Tenancy>) -> Done {
        let wanted = self.project(key, to, Computed::Unknown);
        let found = match TenantProject::read(id.to_owned(), Some(wanted), client).await {
            Ok(Some(it)) if it.domain_id == *self.domain_id() => {
                let was = Tenant { bindings: Some(Bindings::new()), quotas: None, ..to.clone() };
                let was = was.with_project(key, it);
                return self.change(Was { frame: self, key, tenant: &was }, key, to, false, client).await;
            }
            Ok(Some(it)) => Diagnostic::error("The project is in another domain")
                .detail(format!(
                    "The project \"{}\" ({id}) is not in the workspace's domain, and Keystone moves no project.",
                    it.name
                ))
                .at(tenant_at(key).attribute("project_id"))
                .into(),
            Ok(None) => gone(key),
            Err(why) => in_project(why, key),
        };
        Done { tenant: None, found }
    }

    /// Bindings and limits of a tenant that has a project. `now` is what is there of the rest.
    async fn finish(
        &self,
        was: Option<Was<'_>>,
        key: &str,
        to: Tenant,
        now: Tenant,
        mut found: Diagnostics,
        client: &Context<Tenancy>,
    ) -> Done {
        let ((bindings, of_bindings), (quotas, of_quotas)) =
            join!(self.bindings(was, key, &to, client), quotas(was, key, &to, client));
        found.extend(of_bindings);
        found.extend(of_quotas);
        Done { tenant: Some(Tenant { bindings, quotas, ..now }), found }
    }

    /// Makes, changes and removes bindings, so that they are those of `to`.
    async fn bindings(
        &self,
        was: Option<Was<'_>>,
        key: &str,
        to: &Tenant,
        client: &Context<Tenancy>,
    ) -> (Option<Bindings>, Diagnostics) {
        let Some(wanted) = &to.bindings else { return (None, Diagnostics::default()) };
        let mut left = BTreeMap::new();
        if let Some(was) = was {
            for (name, binding) in was.tenant.bindings.iter().flatten() {
                let mut before = was.frame.binding(was.key, was.tenant, name, binding);
                if before.group_id.as_known().is_some() {
                    before.project_id = to.id().map(str::to_owned);
                    left.insert(name, (binding, before));
                }
            }
        }
        let mut work = Vec::new();
        let mut new = Vec::new();
        for (name, binding) in wanted {
            let after = self.binding(key, to, name, binding);
            match left.remove(name) {
                Some((_, before)) => work.push((name, Some(before), after)),
                None => new.push((name, after)),
            }
        }
        for (name, after) in new {
            // The same group under another key.
            let name_of = |it: &ProjectGroupBinding| it.group.as_ref().map(|it| it.name.clone());
            let same = left.iter().find(|(_, (_, before))| name_of(before) == name_of(&after));
            let same = same.map(|(name, _)| *name);
            work.push((name, same.and_then(|name| left.remove(name)).map(|(_, before)| before), after));
        }
        let settled = work.into_iter().map(|(name, before, mut after)| {
            Box::pin(async move {
                let part = client.part();
                let result = match before {
                    None => ProjectGroupBinding::create(after, &part).await,
                    Some(before) => {
                        after.group_id.clone_from(&before.group_id);
                        if after.pending_members == Computed::Unknown && before.members == after.members {
                            after.pending_members.clone_from(&before.pending_members);
                        }
                        match before == after {
                            true => Ok(after),
                            false => ProjectGroupBinding::update(before, after, &part).await,
                        }
                    }
                };
                (name, result, part.take_warnings())
            })
        });
        let removed = left.into_iter().map(|(name, (binding, before))| {
            Box::pin(async move { (name, binding, ProjectGroupBinding::delete(before, client).await) })
        });
        let (settled, removed) = join!(join_all(settled), join_all(removed));
        let (mut all, mut found) = (Bindings::new(), Diagnostics::default());
        for (name, result, warnings) in settled {
            found.extend(in_binding(warnings, key, name));
            let there = match result {
                Ok(it) => Some(it),
                Err(Failure { state, diagnostics }) => {
                    found.extend(in_binding(diagnostics, key, name));
                    state
                }
            };
            if let Some(it) = there {
                let written = wanted.get(name).is_some_and(|it| it.group_name.is_some());
                all.insert(name.clone(), Binding::seen(it, to.name(key), name, written));
            }
        }
        for (name, binding, result) in removed {
            if let Err(why) = result {
                found.extend(in_binding(why, key, name));
                all.insert(name.clone(), binding.clone());
            }
        }
        (Some(all), found)
    }

    /// Removes a tenant, as its `on_destroy` says. False: it is still there, or something of it is.
    pub(super) async fn remove(
        &self,
        key: &str,
        tenant: &Tenant,
        client: &Context<Tenancy>,
    ) -> (bool, Diagnostics) {
        let part = client.part();
        let result = self.try_remove(key, tenant, &part).await;
        let mut found = in_project(part.take_warnings(), key);
        let gone = result.is_ok();
        if let Err(why) = result {
            found.extend(why);
        }
        (gone, found)
    }

    async fn try_remove(&self, key: &str, tenant: &Tenant, part: &Context<Tenancy>) -> Result<()> {
        let project = self.project(key, tenant, Computed::Unknown);
        if let Some(id) = tenant.id()
            && !project.give_up(id, part).await.map_err(|why| in_project(why, key))?
        {
            return Ok(());
        }
        let groups = tenant.bindings.iter().flatten().map(|(name, binding)| {
            let binding = self.binding(key, tenant, name, binding);
            Box::pin(async move {
                let result = ProjectGroupBinding::delete(binding, part).await;
                result.map_err(|why| in_binding(why, key, name))
            })
        });
        let quotas = async {
            let (Some(id), Some(quotas)) = (tenant.id(), &tenant.quotas) else { return Ok(()) };
            let set = QuotaSet::new(id.to_owned(), quotas.clone());
            let own = part.part();
            let result = QuotaSet::delete(set, &own).await.map_err(|why| in_quotas(why, key));
            // The caller says of which tenant.
            let remarks = below(own.take_warnings(), |_| Path::root().attribute("quotas"));
            remarks.0.into_iter().for_each(|it| part.warn(it));
            result
        };
        let (groups, quotas) = join!(join_all(groups), quotas);
        let mut found = Diagnostics::default();
        for result in groups.into_iter().chain([quotas]) {
            found.extend(result.err().unwrap_or_default());
        }
        found.into_result()?;
        match tenant.id() {
            Some(id) => project.remove(id, part).await.map_err(|why| in_project(why, key)),
            None => Ok(()),
        }
    }
}

async fn read_quotas(key: &str, last: &Tenant, client: &Context<Tenancy>) -> Result<Option<Quotas>> {
    let (Some(quotas), Some(id)) = (&last.quotas, last.id()) else { return Ok(None) };
    let limits = quotas.limits();
    if limits.is_empty() {
        return Ok(Some(quotas.clone()));
    }
    let part = client.part();
    let seen = work::read(&limits, id, false, &part).await.map_err(|why| in_quotas(why, key))?;
    in_quotas(part.take_warnings(), key).0.into_iter().for_each(|it| client.warn(it));
    Ok(seen.map(|seen| quotas.clone().seen(&seen.all)))
}

/// Sets the limits that are others now.
async fn quotas(
    was: Option<Was<'_>>,
    key: &str,
    to: &Tenant,
    client: &Context<Tenancy>,
) -> (Option<Quotas>, Diagnostics) {
    let (Some(quotas), Some(id)) = (&to.quotas, to.id()) else {
        return (to.quotas.clone(), Diagnostics::default());
    };
    let before = was.and_then(|it| it.tenant.quotas.as_ref()).map(Quotas::limits).unwrap_or_default();
    let wanted = quotas.limits();
    let limits = work::changed(&before, &wanted);
    if limits.is_empty() {
        return (Some(quotas.clone()), Diagnostics::default());
    }
    let done = work::set(id, false, &limits, &before, None, client).await;
    if done.failed.is_empty() {
        return (Some(quotas.clone()), Diagnostics::default());
    }
    let mut now = wanted;
    now.extend(done.failed);
    (Some(quotas.clone().seen(&now)), in_quotas(done.found, key))
}

fn gone(key: &str) -> Diagnostics {
    Diagnostic::error("The project is gone")
        .detail("It was deleted since the plan was made. Plan again.")
        .at(tenant_at(key).attribute("project_id"))
        .into()
}
