//! What is settled, refused and remarked on before an apply.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::apply::each;
use super::parts::{Frame, default_group_name, in_binding, in_project, in_quotas, tenant_at};
use super::remarks::Remarks;
use super::{Binding, OnDestroy, Tenant, Users, Workspace};
use crate::resources::project_group_binding::ProjectGroupBinding;
use crate::resources::quotas::work;
use crate::resources::{Existing, Tenancy, check, holdings, workspace_domain};
use crate::tf::{
    Change, Computed, Context, Diagnostic, Diagnostics, Draft, Model, Resource, Result, Schema, Value, at,
};

/// Beyond so many tenants that go, a plan does not look into each: the apply has to anyway.
const LOOKED_INTO: usize = 100;

static BINDING: LazyLock<Arc<Schema>> = LazyLock::new(|| Arc::new(ProjectGroupBinding::schema()));

/// A plan, from what the attributes say by themselves.
pub(super) async fn plan(change: &mut Change<Workspace>, client: Option<&Context<Tenancy>>) -> Result<()> {
    let prior = change.prior.as_ref();
    let Some(planned) = &mut change.planned else {
        if let (Some(prior), Some(client)) = (prior, client) {
            announce(prior, client).await;
        }
        return Ok(());
    };
    let before = change.before.as_ref();
    if let (Some(before), Some(config)) = (before, &change.config) {
        keep_renamed(planned, before, config);
    }
    let same_users =
        before.is_none_or(|it| it.raw(at!(Workspace, users)) == planned.raw(at!(Workspace, users)));
    planned.change_elements(at!(Workspace, tenants), |_, tenant| open(tenant, same_users));
    let failures = prior.and_then(|it| it.failures.as_known());
    if failures.is_none_or(|it| !it.is_empty()) {
        planned.set_unknown(at!(Workspace, failures));
    }
    let Some(client) = client else { return Ok(()) };
    refuse_missing_domains(planned, prior, client).await?;
    let (tasks, mut remarks) = changed(planned, before, prior);
    let found = each(tasks.into_iter().map(|task| task.look(same_users, client).boxed())).await;
    for Looked { key, pending, found } in found {
        for (name, value) in pending {
            planned.change_element(at!(Workspace, tenants), &key, |tenant| {
                tenant.change_element(at!(Tenant, bindings), &name, |it| {
                    it.set_raw(at!(Binding, pending_members), value);
                });
            });
        }
        remarks.note(&key, found);
    }
    if let Some(prior) = prior {
        let planned: BTreeSet<&str> = ids(planned).map(|(id, _)| id).collect();
        let going = prior.tenants.iter().filter(|(_, it)| it.id().is_some_and(|id| !planned.contains(id)));
        announce_going(prior, going.collect(), &mut remarks, client).await;
    }
    remarks.into_result(client)
}

/// Ids of the projects in a plan, with the keys of their tenants.
fn ids(draft: &Draft<Workspace>) -> impl Iterator<Item = (&str, &str)> {
    // Reading a position beats a copy of each tenant.
    static AT: LazyLock<usize> =
        LazyLock::new(|| Tenant::schema().position("project_id").unwrap_or_default());
    draft.elements(at!(Workspace, tenants)).filter_map(|(key, value)| match value {
        Value::Object(all) => match all.get(*AT) {
            Some(Value::String(id)) => Some((&**id, &**key)),
            _ => None,
        },
        _ => None,
    })
}

/// Plans tenants whose key has changed and whose `project_id` is written anew, from what they were under the old key.
fn keep_renamed(planned: &mut Draft<Workspace>, before: &Draft<Workspace>, config: &Draft<Workspace>) {
    let old: HashMap<&str, &str> = ids(before).collect();
    let renamed: Vec<_> = ids(planned)
        .filter_map(|(id, key)| Some((key.to_owned(), *old.get(id)?)))
        .filter(|(key, old)| key != old)
        .collect();
    for (key, old) in renamed {
        let config: Option<Draft<Tenant>> = config.element(at!(Workspace, tenants), &key);
        let prior = before.element(at!(Workspace, tenants), old);
        if let Some(config) = config {
            planned.change_element(at!(Workspace, tenants), &key, |it| {
                *it = Draft::planned(&config, prior.as_ref());
            });
        }
    }
}

/// Opens what a plan cannot know: ids of what the last apply did not make, and who is missing if users come from elsewhere
/// now.
fn open(tenant: &mut Draft<Tenant>, same_users: bool) {
    if tenant.raw(at!(Tenant, project_id)).is_null() {
        tenant.set_unknown(at!(Tenant, project_id));
    }
    tenant.change_elements(at!(Tenant, bindings), |_, it: &mut Draft<Binding>| {
        if it.raw(at!(Binding, group_id)).is_null() {
            it.set_unknown(at!(Binding, group_id));
        }
        if it.raw(at!(Binding, members)).is_null() {
            it.set(at!(Binding, pending_members), Computed::Known(BTreeSet::new()));
        } else if !same_users || it.raw(at!(Binding, pending_members)).is_null() {
            it.set_unknown(at!(Binding, pending_members));
        }
    });
}

async fn refuse_missing_domains(
    planned: &Draft<Workspace>,
    prior: Option<&Workspace>,
    client: &Tenancy,
) -> Result<()> {
    if prior.is_none()
        && let Some(Computed::Known(id)) = planned.get(at!(Workspace, domain_id))?
    {
        client.must_exist(Existing::Domain(&id), at!(Workspace, domain_id)).await?;
    }
    let users = planned.get(at!(Workspace, users))?.flatten();
    if let Some(Users { domain_id: Some(id), .. }) = users
        && prior.and_then(|it| it.users.as_ref()).and_then(|it| it.domain_id.as_ref()) != Some(&id)
    {
        client.must_exist(Existing::Domain(&id), at!(Workspace, users)).await?;
    }
    Ok(())
}

/// A tenant in whose plan something changes.
struct Task {
    key: String,
    planned: Draft<Tenant>,
    /// What it was, under which key, and what it shared with the others.
    prior: Option<(Frame, String, Tenant)>,
    /// As Terraform has what it was.
    before: Option<Draft<Tenant>>,
    /// The values of a binding that all of the workspace share: where users are looked up, what is done about missing ones,
    /// and how they log in.
    shared: [Value; 3],
}

/// What was seen of it.
struct Looked {
    key: String,
    /// Who is missing, by binding.
    pending: Vec<(String, Value)>,
    found: Diagnostics,
}

/// The tenants in whose plans something changes, and what is wrong with them at first sight.
fn changed(
    planned: &Draft<Workspace>,
    before: Option<&Draft<Workspace>>,
    whole: Option<&Workspace>,
) -> (Vec<Task>, Remarks) {
    let tenants = at!(Workspace, tenants);
    let was: BTreeMap<&str, &Value> =
        before.into_iter().flat_map(|it| it.elements(tenants)).map(|(key, it)| (&**key, it)).collect();
    let ids_now: BTreeMap<&str, &str> = ids(planned).map(|(id, key)| (key, id)).collect();
    let old: HashMap<&str, &String> =
        whole.into_iter().flat_map(|it| &it.tenants).filter_map(|(key, it)| Some((it.id()?, key))).collect();
    let shared = shared(planned);
    let frame = whole.map(Frame::of);
    let (mut tasks, mut remarks) = (Vec::new(), Remarks::default());
    for (key, value) in planned.elements(tenants) {
        if was.get(&**key) == Some(&value) {
            continue;
        }
        let Some(draft) = planned.element(tenants, key) else { continue };
        let old_key = ids_now.get(&**key).and_then(|id| old.get(id));
        let prior = old_key.and_then(|old| whole?.tenants.get_key_value(*old));
        if let (Some((_, tenant)), Some(whole)) = (prior, whole)
            && moves(&draft, tenant, whole, &ids_now)
        {
            let told = Diagnostic::error("A project cannot be moved")
                .detail(
                    "Keystone moves no project to another one, or out of it. Remove the tenant and apply, or give the new one \
                     another key and no `project_id`.",
                )
                .at(tenant_at(key).attribute("parent"));
            remarks.note(key, told.into());
        }
        tasks.push(Task {
            key: (**key).to_owned(),
            before: before.and_then(|it| it.element(tenants, old_key.map_or(&**key, |it| it.as_str()))),
            prior: prior.and_then(|(key, tenant)| Some((frame.clone()?, key.clone(), tenant.clone()))),
            planned: draft,
            shared: shared.clone(),
        });
    }
    (tasks, remarks)
}

/// Whether a tenant's project would be in another one than before.
fn moves(planned: &Draft<Tenant>, prior: &Tenant, whole: &Workspace, ids_now: &BTreeMap<&str, &str>) -> bool {
    let above = prior.parent.as_ref().and_then(|key| whole.tenants.get(key)).and_then(Tenant::id);
    match planned.raw(at!(Tenant, parent)) {
        Value::Unknown => false,
        Value::String(key) => ids_now.get(&**key).copied() != above || above.is_none(),
        _ => prior.parent.is_some(),
    }
}

/// What the bindings of a plan share.
fn shared(planned: &Draft<Workspace>) -> [Value; 3] {
    let Some(users) = planned.object::<Option<Users>>(at!(Workspace, users)) else {
        // A block that is not known at all leaves open where to look.
        let all = if planned.is_set(at!(Workspace, users)) { Value::Unknown } else { Value::Null };
        return [all.clone(), all.clone(), all];
    };
    let provider = users.raw(at!(Users, identity_provider));
    let federation = match provider.is_null() {
        true => Value::Null,
        false => Value::Object(vec![provider.clone(), users.raw(at!(Users, protocol)).clone()]),
    };
    [users.raw(at!(Users, domain_id)).clone(), users.raw(at!(Users, missing)).clone(), federation]
}

impl Task {
    /// Looks into the cloud.
    async fn look(self, same_users: bool, client: &Context<Tenancy>) -> Looked {
        let mut found = Diagnostics::default();
        let id = match self.planned.raw(at!(Tenant, project_id)) {
            Value::String(id) => Some(&**id),
            _ => None,
        };
        match (id, &self.prior) {
            (Some(id), None) => {
                let at = tenant_at(&self.key).attribute("project_id");
                found.extend(client.must_exist(Existing::Project(id), at).await.err().unwrap_or_default());
            }
            // The refresh has just seen it.
            (Some(id), Some(_)) => client.note_coming(Existing::Project(id)),
            (None, _) => (),
        }
        let (pending, of_bindings) = self.look_at_bindings(same_users, client).await;
        found.extend(of_bindings);
        let part = client.part();
        let quotas = self.look_at_quotas(id, &part).await.err().unwrap_or_default();
        found.extend(in_quotas(quotas, &self.key));
        found.extend(in_quotas(part.take_warnings(), &self.key));
        Looked { key: self.key, pending, found }
    }

    /// Plans the bindings that change as the resources that they could be by themselves.
    async fn look_at_bindings(
        &self,
        same_users: bool,
        client: &Context<Tenancy>,
    ) -> (Vec<(String, Value)>, Diagnostics) {
        let bindings = at!(Tenant, bindings);
        let was: BTreeMap<&str, &Value> =
            self.before.iter().flat_map(|it| it.elements(bindings)).map(|(key, it)| (&**key, it)).collect();
        let changing = self
            .planned
            .elements(bindings)
            .filter(|(name, value)| !same_users || was.get(&***name) != Some(value));
        let looks = changing.filter_map(|(name, _)| {
            let binding: Draft<Binding> = self.planned.element(bindings, name)?;
            let prior = self.prior.as_ref().and_then(|(frame, key, tenant)| {
                let binding = tenant.bindings.as_ref()?.get(&**name)?;
                binding.group_id.as_known()?;
                Some(frame.binding(key, tenant, name, binding))
            });
            let mut change = Change {
                prior,
                before: None,
                planned: Some(self.draft(&binding)),
                config: None,
                replace: Vec::new(),
            };
            Some(Box::pin(async move {
                let part = client.part();
                let result = ProjectGroupBinding::plan(&mut change, Some(&part)).await;
                let mut found = part.take_warnings();
                found.extend(result.err().unwrap_or_default());
                let pending =
                    change.planned.map(|it| it.raw(at!(ProjectGroupBinding, pending_members)).clone());
                ((**name).to_owned(), pending.unwrap_or(Value::Unknown), found)
            }))
        });
        let (mut pending, mut all) = (Vec::new(), Diagnostics::default());
        for (name, value, found) in join_all(looks).await {
            all.extend(in_binding(found, &self.key, &name));
            pending.push((name, value));
        }
        (pending, all)
    }

    /// A binding that may not be known yet, as the resource that it could be by itself.
    fn draft(&self, binding: &Draft<Binding>) -> Draft<ProjectGroupBinding> {
        let [domain, missing, federation] = &self.shared;
        let mut draft = Draft::blank(&BINDING);
        draft
            .set_raw(at!(ProjectGroupBinding, project_id), self.planned.raw(at!(Tenant, project_id)).clone());
        draft.set_raw(at!(ProjectGroupBinding, group_id), binding.raw(at!(Binding, group_id)).clone());
        draft.set_raw(at!(ProjectGroupBinding, roles), binding.raw(at!(Binding, roles)).clone());
        draft.set_raw(at!(ProjectGroupBinding, members), binding.raw(at!(Binding, members)).clone());
        draft.set_raw(at!(ProjectGroupBinding, members_domain_id), domain.clone());
        draft.set_raw(at!(ProjectGroupBinding, missing_members), missing.clone());
        draft.set_raw(at!(ProjectGroupBinding, federation), federation.clone());
        let pending = binding.raw(at!(Binding, pending_members)).clone();
        draft.set_raw(at!(ProjectGroupBinding, pending_members), pending);
        draft
    }

    async fn look_at_quotas(&self, id: Option<&str>, client: &Context<Tenancy>) -> Result<()> {
        let to = self.planned.known_part(at!(Tenant, quotas))?.map(|it| it.limits()).unwrap_or_default();
        let from = self.prior.as_ref().and_then(|(_, _, it)| it.quotas.as_ref());
        let from = from.map(|it| it.limits()).unwrap_or_default();
        if from == to {
            return Ok(());
        }
        let plan = work::Plan { from, to };
        plan.refuse_missing_services(client).await?;
        plan.refuse_default_only(client)?;
        plan.refuse_unknown_keys(client).await?;
        if let Some(id) = id {
            plan.warn_below_use(id, false, client).await;
        }
        Ok(())
    }
}

/// Says in a destroy plan what goes with the workspace, or stands in the way.
async fn announce(prior: &Workspace, client: &Context<Tenancy>) {
    if matches!(prior.on_destroy, OnDestroy::Keep | OnDestroy::Disable) {
        return;
    }
    let mut remarks = Remarks::default();
    announce_going(prior, prior.tenants.iter().collect(), &mut remarks, client).await;
    // They are warnings.
    let _ = remarks.into_result(client);
    if let Some(domain) = prior.domain() {
        let part = client.part();
        workspace_domain::announce(&domain, &part).await;
        super::in_domain(part.take_warnings()).0.into_iter().for_each(|it| client.warn(it));
    }
}

/// Says in a plan what goes with tenants, or stands in the way.
async fn announce_going(
    prior: &Workspace,
    going: Vec<(&String, &Tenant)>,
    remarks: &mut Remarks,
    client: &Context<Tenancy>,
) {
    let frame = &Frame::of(prior);
    going.iter().flat_map(|(_, it)| it.leaving()).for_each(|id| client.note_leaving(id));
    if going.len() > LOOKED_INTO {
        return;
    }
    let looks = going.into_iter().map(|(key, tenant)| {
        async move {
            let part = client.part();
            if let Some(id) = tenant.id() {
                holdings::announce(&frame.project(key, tenant, Computed::Unknown), id, &part).await;
            }
            (key, in_project(part.take_warnings(), key))
        }
        .boxed()
    });
    for (key, found) in each(looks).await {
        remarks.note(key, found);
    }
}

/// Refuses names that clash or cannot be, and tenants that are in no tenant.
pub(super) fn refuse_clashes(config: &Draft<Workspace>) -> Diagnostics {
    let mut found = Diagnostics::default();
    let (mut names, mut groups, mut projects) = (HashMap::new(), HashMap::new(), HashMap::new());
    let mut parents: HashMap<String, Option<String>> = HashMap::new();
    let tenants = at!(Workspace, tenants);
    let clash = |seen: &mut HashMap<String, String>, what: &str, name: &str, key: &str| {
        // MariaDB and MySQL do not tell case apart.
        seen.insert(name.to_lowercase(), key.to_owned()).map(|other| {
            Diagnostic::error(format!("The {what} \"{name}\" is there twice"))
                .detail(format!("The tenants \"{other}\" and \"{key}\" both have it."))
                .at(tenant_at(key))
        })
    };
    for (key, _) in config.elements(tenants) {
        let Some(tenant): Option<Draft<Tenant>> = config.element(tenants, key) else {
            parents.insert((**key).to_owned(), None);
            continue;
        };
        let parent = match tenant.raw(at!(Tenant, parent)) {
            Value::String(parent) => Some((**parent).to_owned()),
            _ => None,
        };
        parents.insert((**key).to_owned(), parent);
        if let Value::String(id) = tenant.raw(at!(Tenant, project_id)) {
            found.0.extend(clash(&mut projects, "project id", id, key));
        }
        let name = match tenant.raw(at!(Tenant, name)) {
            Value::Null => {
                if let Err(why) = check::name(&(**key).to_owned()) {
                    let detail = format!("It is the name of the project unless `name` is set. {why}");
                    found.push(Diagnostic::error("Invalid key").detail(detail).at(tenant_at(key)));
                }
                &**key
            }
            Value::String(name) => name,
            _ => continue,
        };
        found.0.extend(clash(&mut names, "name", name, key));
        for (binding, _) in tenant.elements(at!(Tenant, bindings)) {
            let it: Option<Draft<Binding>> = tenant.element(at!(Tenant, bindings), binding);
            let group = match it.as_ref().map(|it| it.raw(at!(Binding, group_name))) {
                Some(Value::Null) => {
                    let group = default_group_name(name, binding);
                    if let Err(why) = check::name(&group) {
                        let detail =
                            format!("\"{group}\" is the name of the group unless `group_name` is set. {why}");
                        let at = tenant_at(key).attribute("bindings").key(&**binding);
                        found.push(Diagnostic::error("Invalid key").detail(detail).at(at));
                    }
                    group
                }
                Some(Value::String(group)) => (**group).to_owned(),
                _ => continue,
            };
            found.0.extend(clash(&mut groups, "group name", &group, key));
        }
    }
    for (key, parent) in parents.iter().filter_map(|(key, parent)| Some((key, parent.as_ref()?))) {
        let detail = match parents.get(parent) {
            None => format!(
                "There is no tenant \"{parent}\". Expected the key of another tenant of the workspace."
            ),
            Some(_) if is_circle(key, &parents) => "It is in itself, by way of others.".to_owned(),
            Some(_) => continue,
        };
        let told = Diagnostic::error(format!("The tenant \"{key}\" is in no tenant")).detail(detail);
        found.push(told.at(tenant_at(key).attribute("parent")));
    }
    found
}

fn is_circle(key: &str, parents: &HashMap<String, Option<String>>) -> bool {
    let above = |key: &String| parents.get(key).and_then(Clone::clone);
    // As many steps as there are tenants come around any circle.
    std::iter::successors(parents.get(key).and_then(Clone::clone), above)
        .take(parents.len())
        .any(|it| it == key)
}
