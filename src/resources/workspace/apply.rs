//! The work on many tenants: in which order, and how many at once.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};

use super::parts::{Frame, tenant_at};
use super::remarks::Remarks;
use super::tenant::{Done, Was};
use super::{Tenant, Workspace};
use crate::resources::Tenancy;
use crate::tf::{Computed, Context, Diagnostic};

/// So many tenants are worked on at once. Their requests wait for each other in the client.
const SIDE_BY_SIDE: usize = 64;

/// Tenants by key.
type Tenants = BTreeMap<String, Tenant>;

/// Does work on each of many tenants, some at a time.
pub(super) fn each<'a, O: Send + 'a>(work: impl Iterator<Item = BoxFuture<'a, O>>) -> BoxFuture<'a, Vec<O>> {
    let work: Vec<_> = work.collect();
    stream::iter(work).buffer_unordered(SIDE_BY_SIDE).collect().boxed()
}

/// Keys of tenants, level by level: those that are in no other tenant, those in these, and so on. Last come those of which
/// nobody knows where they are.
pub(super) fn levels(tenants: &Tenants) -> Vec<Vec<&str>> {
    let mut levels = Vec::new();
    let mut done = HashSet::new();
    let mut left: Vec<_> = tenants.iter().collect();
    while !left.is_empty() {
        let (now, later): (Vec<_>, Vec<_>) = left
            .into_iter()
            .partition(|(_, it)| it.parent.as_deref().is_none_or(|parent| done.contains(parent)));
        let (now, later) = if now.is_empty() { (later, now) } else { (now, later) };
        let keys: Vec<_> = now.into_iter().map(|(key, _)| key.as_str()).collect();
        done.extend(keys.iter().copied());
        levels.push(keys);
        left = later;
    }
    levels
}

/// In which turns to give new names, of pairs of the name before and the one after: who gets another's name comes after that
/// one has got its own. Last come those who would swap names, which Keystone does not let them do.
fn turns(names: &[(&str, &str)]) -> Vec<Vec<usize>> {
    let mut turns = Vec::new();
    let mut left: Vec<usize> = (0..names.len()).collect();
    while !left.is_empty() {
        let is_renamed = |at: &&usize| names[**at].0 != names[**at].1;
        let held: HashSet<&str> = left.iter().filter(is_renamed).map(|at| names[*at].0).collect();
        let (now, later): (Vec<_>, Vec<_>) =
            left.iter().partition(|at| !is_renamed(at) || !held.contains(names[**at].1));
        let (now, later) = if now.is_empty() { (later, now) } else { (now, later) };
        turns.push(now);
        left = later;
    }
    turns
}

/// Tenants on their way from what they were to what they are to be.
pub(super) struct Work<'a> {
    pub(super) client: &'a Context<Tenancy>,
    before: Frame,
    frame: Frame,
    /// What is there.
    pub(super) now: Tenants,
    pub(super) remarks: Remarks,
}

impl<'a> Work<'a> {
    pub(super) fn new(from: Option<&Workspace>, to: &Workspace, client: &'a Context<Tenancy>) -> Self {
        let frame = Frame::of(to);
        let before = from.map_or_else(|| frame.clone(), Frame::of);
        Work { client, before, frame, now: Tenants::new(), remarks: Remarks::default() }
    }

    /// Makes all tenants what they are to be. The failure of one stops no other. First go those that are not wanted any
    /// more, since others may get their names; new ones come last, the inner after the outer. Of those that `failed`
    /// before, the state may not say what is there.
    pub(super) async fn settle(&mut self, from: &Tenants, to: &Tenants, failed: &BTreeMap<String, String>) {
        let wanted: HashSet<&str> = to.values().filter_map(Tenant::id).collect();
        let goes = |key: &str, it: &Tenant| match it.id() {
            Some(id) => !wanted.contains(id),
            // What is left of one whose project is gone.
            None => !to.contains_key(key),
        };
        for level in levels(from).into_iter().rev() {
            let (frame, client) = (&self.before, self.client);
            let going = level.into_iter().filter_map(|key| from.get_key_value(key));
            let going = going.filter(|(key, it)| goes(key, it));
            let work = going.map(|(key, tenant)| {
                async move { (key, tenant, Box::pin(frame.remove(key, tenant, client)).await) }.boxed()
            });
            let work = each(work);
            for (key, tenant, (gone, found)) in work.await {
                self.remarks.note(key, found);
                if !gone {
                    self.now.insert(key.clone(), tenant.clone());
                }
            }
        }
        // Where a tenant is that should have gone, there is no room for another.
        let stuck: HashSet<String> = self.now.keys().cloned().collect();
        let to = || to.iter().filter(|(key, _)| !stuck.contains(*key));
        self.change(from, to(), failed).await;
        let new: Tenants =
            to().filter(|(_, it)| it.id().is_none()).map(|(key, it)| (key.clone(), it.clone())).collect();
        self.make(from, &new).await;
    }

    /// Those that have a project.
    async fn change<'t>(
        &mut self,
        from: &Tenants,
        to: impl Iterator<Item = (&'t String, &'t Tenant)>,
        failed: &BTreeMap<String, String>,
    ) {
        let keys: HashMap<&str, &String> =
            from.iter().filter_map(|(key, it)| Some((it.id()?, key))).collect();
        let same_frame = self.before == self.frame;
        let mut changing = Vec::new();
        for (key, tenant) in to {
            let Some(id) = tenant.id() else { continue };
            let was = keys.get(id).and_then(|key| from.get_key_value(*key));
            let again = was.is_some_and(|(key, _)| failed.contains_key(key));
            match was {
                Some((old, was)) if same_frame && !again && old == key && was == tenant => {
                    self.now.insert(key.clone(), tenant.clone());
                }
                _ => changing.push((key, tenant, id, was, again)),
            }
        }
        let names = changing.iter().map(|(key, tenant, _, was, _)| {
            let before = was.map(|(key, tenant)| tenant.name(key));
            (before.unwrap_or_default(), tenant.name(key))
        });
        let turns = turns(&names.collect::<Vec<_>>());
        for turn in turns {
            let (before, frame, client) = (&self.before, &self.frame, self.client);
            let work = turn.into_iter().map(|at| changing[at]).map(|(key, tenant, id, was, again)| {
                async move {
                    let done = match was {
                        Some((old, was)) => {
                            let was = Was { frame: before, key: old, tenant: was };
                            Box::pin(frame.change(was, key, tenant, again, client)).await
                        }
                        None => Box::pin(frame.take(id, key, tenant, client)).await,
                    };
                    (key, done)
                }
                .boxed()
            });
            let work = each(work);
            for (key, done) in work.await {
                self.note(key, done);
            }
        }
    }

    /// Those that have none.
    async fn make(&mut self, from: &Tenants, new: &Tenants) {
        // One that is in a tenant that is there already is of the first level.
        let place = |it: &Tenant| Tenant {
            parent: it.parent.clone().filter(|it| new.contains_key(it)),
            ..it.clone()
        };
        let nested = new.values().any(|it| it.parent.is_some());
        let placed: Tenants = match nested {
            true => new.iter().map(|(key, it)| (key.clone(), place(it))).collect(),
            false => Tenants::new(),
        };
        for level in levels(if nested { &placed } else { new }) {
            let (before, frame, client, now) = (&self.before, &self.frame, self.client, &self.now);
            let making = level.into_iter().filter_map(|key| new.get_key_value(key));
            let work = making.map(|(key, tenant)| {
                async move {
                    let parent_id = match &tenant.parent {
                        None => Computed::Unknown,
                        Some(parent) => match now.get(parent).and_then(Tenant::id) {
                            Some(id) => id.into(),
                            None => return (key, orphan(key, parent)),
                        },
                    };
                    let was = from.get(key).filter(|it| it.id().is_none());
                    let was = was.map(|tenant| Was { frame: before, key, tenant });
                    (key, Box::pin(frame.make(was, key, tenant, parent_id, client)).await)
                }
                .boxed()
            });
            let work = each(work);
            for (key, done) in work.await {
                self.note(key, done);
            }
        }
    }

    fn note(&mut self, key: &str, Done { tenant, found }: Done) {
        self.remarks.note(key, found);
        if let Some(tenant) = tenant {
            self.now.insert(key.to_owned(), tenant);
        }
    }
}

/// A tenant without the one that it is in.
fn orphan(key: &str, parent: &str) -> Done {
    let told = Diagnostic::error("The tenant above it is missing")
        .detail(format!("It is to be in the tenant \"{parent}\", which could not be made."))
        .at(tenant_at(key).attribute("parent"));
    Done { tenant: None, found: told.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::workspace::OnTenantDestroy;

    fn tenants(all: &[(&str, Option<&str>)]) -> Tenants {
        let tenant = |parent: Option<&str>| Tenant {
            name: None,
            project_id: Computed::Unknown,
            parent: parent.map(str::to_owned),
            description: None,
            enabled: true,
            tags: None,
            properties: None,
            bindings: None,
            quotas: None,
            on_destroy: OnTenantDestroy::RefuseIfNotEmpty,
        };
        all.iter().map(|(key, parent)| ((*key).to_owned(), tenant(*parent))).collect()
    }

    #[test]
    fn a_name_is_given_up_before_another_gets_it() {
        let names = [("a", "b"), ("b", "c"), ("d", "d"), ("c", "e"), ("", "a")];
        assert_eq!(turns(&names), [vec![2, 3], vec![1], vec![0], vec![4]]);
        assert_eq!(turns(&[("a", "b"), ("b", "a"), ("c", "d")]), [vec![2], vec![0, 1]]);
    }

    #[test]
    fn the_outer_comes_before_the_inner() {
        let all = tenants(&[("a", Some("c")), ("b", None), ("c", Some("d")), ("d", None), ("e", Some("b"))]);
        assert_eq!(levels(&all), [vec!["b", "d"], vec!["c", "e"], vec!["a"]]);
        // One that is nowhere is told so in the end.
        let all = tenants(&[("a", Some("nowhere")), ("b", Some("a")), ("c", None)]);
        assert_eq!(levels(&all), [vec!["c"], vec!["a", "b"]]);
    }
}
