//! Reads of many objects by id, or of many actors' roles, become lists of the smallest part that has them.
//!
//! The first few are read singly and tell in which domain they are. Then that domain is listed; what isn't there is again
//! read singly, a few times, and leads to the next domain, and in the end to a list of all there is. That something isn't
//! in a list proves nothing: Keystone cuts lists, filters them by the token's domain, and asks but one backend of several.
//! So it is read singly before anything is concluded. What can't be listed, or not in whole, is read singly.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Actor, DOMAINS, Domain, GROUPS, Grant, Group, Kind, Object, PROJECTS, Project, Scope};
use crate::openstack::cloud::Cloud;
use crate::openstack::collection::{Collection, Listed};
use crate::openstack::error::{Error, Result};

/// So many are read one by one before a list.
const SINGLES: usize = 3;
/// So many parts are listed before everything is.
const PARTS: usize = 4;

/// The roles that an actor has directly on a scope, inherited or not.
type Held = (Actor, Scope, bool);

/// What the handles of one scope keep of Keystone's objects.
pub(crate) struct Reads {
    pub domains: Objects<Domain>,
    pub projects: Objects<Project>,
    pub groups: Objects<Group>,
    grants: Collection<Held, BTreeSet<String>>,
}

impl Default for Reads {
    fn default() -> Self {
        Self {
            domains: Objects::of(&DOMAINS),
            projects: Objects::of(&PROJECTS),
            groups: Objects::of(&GROUPS),
            grants: Collection::listing_after(SINGLES),
        }
    }
}

impl Reads {
    /// An object was changed or deleted by us.
    pub fn forget(&self, kind: &Kind, id: &str) {
        let id = id.to_owned();
        match kind.many {
            it if it == DOMAINS.many => self.domains.rows.forget(id),
            it if it == PROJECTS.many => self.projects.rows.forget(id),
            it if it == GROUPS.many => self.groups.rows.forget(id),
            _ => {}
        }
    }

    /// A grant was made or taken away by us.
    pub fn forget_grant(&self, grant: &Grant) {
        let Grant { role_id: _, actor, scope, inherited } = grant;
        self.grants.forget((actor.clone(), scope.clone(), *inherited));
    }

    /// A domain was deleted by us, with all that was in it.
    pub fn clear(&self) {
        self.domains.rows.clear();
        self.projects.rows.clear();
        self.groups.rows.clear();
        self.grants.clear();
    }

    /// Ids of the roles that somebody has directly on a scope. `single` asks for just these.
    pub async fn roles(
        &self,
        cloud: &Cloud,
        held: Held,
        single: impl AsyncFnOnce() -> Result<BTreeSet<String>>,
    ) -> Result<BTreeSet<String>> {
        let list = async |parts: usize| {
            let domain = match &held.1 {
                Scope::Project(id) if parts < PARTS => {
                    cloud.projects().get_opt(id).await.ok().flatten().map(|it| it.domain_id)
                }
                _ => None,
            };
            let all = match &domain {
                Some(id) => cloud.grants().within(id).await,
                None => cloud.grants().all().await,
            };
            let Some(all) = unless_refused(all)? else { return Ok(Listed::Refused) };
            let mut rows = BTreeMap::<Held, BTreeSet<String>>::new();
            for Grant { role_id, actor, scope, inherited } in all {
                rows.entry((actor, scope, inherited)).or_default().insert(role_id);
            }
            // Not everything, but as much as there is to list.
            Ok(if domain.is_some() { Listed::Part(rows) } else { Listed::Rest(rows) })
        };
        let single = async || single().await.map(Some);
        Ok(self.grants.get(&held, list, single).await?.unwrap_or_default())
    }
}

/// Objects of one kind.
pub(crate) struct Objects<T> {
    kind: &'static Kind,
    rows: Collection<String, T>,
    /// The domains in which some were found, and whether they were listed.
    homes: Mutex<BTreeMap<String, bool>>,
}

impl<T: Object + Clone> Objects<T> {
    fn of(kind: &'static Kind) -> Self {
        Self { kind, rows: Collection::listing_after(SINGLES), homes: Mutex::default() }
    }

    /// The object of this id. `None` only if Keystone says that this very object doesn't exist.
    pub async fn get(&self, cloud: &Cloud, id: &str) -> Result<Option<T>> {
        let list = |parts| self.list(cloud, id, parts);
        self.rows.get(&id.to_owned(), list, || self.single(cloud, id)).await
    }

    async fn single(&self, cloud: &Cloud, id: &str) -> Result<Option<T>> {
        let found: Option<T> = self.kind.read(cloud, id).await?;
        if let Some(home) = found.as_ref().and_then(T::domain_id) {
            self.homes().entry(home.to_owned()).or_default();
        }
        Ok(found)
    }

    async fn list(&self, cloud: &Cloud, id: &str, parts: usize) -> Result<Listed<String, T>> {
        if parts == 0 {
            self.homes().values_mut().for_each(|listed| *listed = false);
        }
        let mut new = self.unlisted();
        if T::HAS_DOMAIN && new.is_empty() {
            // Those before are still under way, or gone. An error is for a single read to tell.
            let _ = self.single(cloud, id).await;
            new = self.unlisted();
        }
        let everything = new.is_empty() || new.len() + parts > PARTS;
        let domains = if everything { vec![None] } else { new.into_iter().map(Some).collect() };
        let mut rows = BTreeMap::new();
        for domain in &domains {
            let query: Vec<_> = domain.iter().map(|it| ("domain_id", it.clone())).collect();
            match unless_refused(self.kind.pages::<T>(cloud, &query).await)? {
                Some(all) => rows.extend(all.into_iter().map(|it| (it.id().to_owned(), it))),
                None => return Ok(Listed::Refused),
            }
        }
        for home in domains.iter().flatten() {
            self.homes().insert(home.clone(), true);
        }
        Ok(if everything { Listed::Rest(rows) } else { Listed::Part(rows) })
    }

    fn unlisted(&self) -> Vec<String> {
        self.homes().iter().filter(|(_, listed)| !**listed).map(|(home, _)| home.clone()).collect()
    }

    fn homes(&self) -> MutexGuard<'_, BTreeMap<String, bool>> {
        self.homes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a list gave, or nothing if single reads may do better: the account may not list, the list was cut, or it is too
/// much for Keystone.
fn unless_refused<T>(listed: Result<T>) -> Result<Option<T>> {
    match listed {
        Ok(it) => Ok(Some(it)),
        Err(Error::Truncated { .. } | Error::Timeout { .. }) => Ok(None),
        Err(why) if why.status().is_some_and(|it| (400..500).contains(&it)) => Ok(None),
        Err(why) => Err(why),
    }
}
