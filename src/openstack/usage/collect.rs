//! Goes through projects and services, with the tokens that may look.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};

use super::query::{Part, Query, Whose};
use super::report::{Batch, Completeness, Mode, Report, Source, Tally};
use super::sample::{Grade, UsageService};
use super::window::Window;
use super::{compute, lists, object_store};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::Cloud;
use crate::openstack::error::{Error, Result};
use crate::openstack::identity::{DomainFilter, Project, ProjectFilter, Scope, UserFilter};

/// So many projects are asked for one by one; more are picked from everybody's.
const FEW: usize = 20;
/// So many projects are under way at once.
const AT_ONCE: usize = 8;
/// So many users are looked up one by one; more are picked from all.
const FEW_USERS: usize = 50;
/// A service without a history is a snapshot of the window if it is looked at this soon after its end.
const SOON: SignedDuration = SignedDuration::from_hours(1);
/// Nova's administrators usually archive what was deleted longer ago than this, if they do.
const ARCHIVED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// One reading of usage.
pub(super) struct Collector<'a> {
    pub query: &'a Query,
    pub window: Window,
    pub observed_at: Timestamp,
    /// Projects whose rows count; `None`: everybody's.
    wanted: Option<BTreeSet<String>>,
    tally: Mutex<Tally>,
    /// Services that were read for all projects at once.
    whole: Mutex<BTreeSet<UsageService>>,
    /// Services that the cloud doesn't have.
    absent: Mutex<BTreeSet<UsageService>>,
    /// What a service said to an account that may not look, and in which projects.
    refused: Mutex<BTreeMap<UsageService, (String, BTreeSet<String>)>>,
}

/// A token to look with, and what it is to look at.
pub(super) struct View {
    pub cloud: Cloud,
    /// Whether the token is an administrator's, and shows all projects.
    pub wide: bool,
    /// The one project to look at; `None`: all.
    pub project: Option<String>,
}

impl View {
    /// The project's usage, or everybody's, in words.
    fn whose(&self) -> String {
        self.project.as_ref().map_or_else(|| "all projects".into(), |it| format!("project {it}"))
    }
}

impl Cloud {
    /// What projects used in a window, by the services' own APIs.
    ///
    /// Figures are read to the last page or not at all. With the query's services unset, one that the account
    /// may not look at is remarked on, and has no completeness and no figure; a service that is asked for by name
    /// must be seen.
    ///
    /// # Errors
    /// [`Error::Query`] if the account lacks a role, says which; or for a project or domain that doesn't exist, or a
    /// window that hasn't begun; and those of any call.
    pub async fn usage(&self, query: &Query) -> Result<Report> {
        let (cloud, requests) = self.counted();
        started(query.window, Timestamp::now())?;
        let mode = mode(&cloud, query).await?;
        let Start { window, observed_at, projects, mut tally } =
            start(&cloud, query, Source::Api, mode).await?;
        let asked = |it: &UsageService| query.services.as_ref().is_none_or(|all| all.contains(it));
        let services: Vec<_> = UsageService::ALL.into_iter().filter(asked).collect();
        if services.contains(&UsageService::Compute) && observed_at.duration_since(window.start()) > ARCHIVED
        {
            tally.remark(
                "compute: a server that was deleted in the window counts only as long as Nova's database has it: \
                 `nova-manage db archive_deleted_rows` takes it away."
                    .into(),
            );
        }
        let all = mode == Mode::AllProjects && query.whose == Whose::All;
        let collector = Collector {
            query,
            window,
            observed_at,
            wanted: (!all).then(|| projects.iter().map(|it| it.id.clone()).collect()),
            tally: Mutex::new(tally),
            whole: Mutex::default(),
            absent: Mutex::default(),
            refused: Mutex::default(),
        };
        collector.read(&cloud, mode, projects, &services).await?;
        let mut report = collector.finish();
        if query.users && query.detail {
            name_users(&cloud, &mut report).await?;
        }
        report.requests = requests();
        Ok(report)
    }
}

/// What every reading starts from.
pub(super) struct Start {
    pub window: Window,
    pub observed_at: Timestamp,
    /// The projects that are asked for, as Keystone knows them.
    pub projects: Vec<Project>,
    /// With these projects, and no usage.
    pub tally: Tally,
}

/// Finds the projects that are asked for.
pub(super) async fn start(cloud: &Cloud, query: &Query, source: Source, mode: Mode) -> Result<Start> {
    let observed_at = Timestamp::now();
    let window = started(query.window, observed_at)?;
    let projects = match mode {
        Mode::AllProjects => seen_by_admin(cloud, &query.whose).await,
        Mode::PerProject => seen_by_member(cloud, &query.whose).await,
    };
    let projects = projects.map_err(|why| match why {
        Error::Unknown(_) | Error::Unseen { .. } => Part::Whose.led_to(why),
        other => other,
    })?;
    let domains = match mode {
        Mode::AllProjects => cloud.domains().list(&DomainFilter::default()).await,
        Mode::PerProject => Ok(Vec::new()),
    };
    let domains: BTreeMap<String, String> = match domains {
        Ok(all) => all.into_iter().map(|it| (it.id, it.name)).collect(),
        Err(why) if why.is_forbidden() => BTreeMap::new(),
        Err(why) => return Err(why),
    };
    let mut tally = Tally::new(window, observed_at, source, mode, query.detail);
    for project in &projects {
        tally.project(project, domains.get(&project.domain_id).map_or("", String::as_str));
    }
    if window.end() < query.window.end() {
        tally.remark(format!(
            "The window ends at {}, in the future: usage counts until now.",
            query.window.end()
        ));
    }
    Ok(Start { window, observed_at, projects, tally })
}

/// The window, up to now.
fn started(asked: Window, now: Timestamp) -> Result<Window> {
    Window::new(asked.start(), asked.end().min(now)).map_err(|_| {
        let why = "that is in the future".into();
        Part::Window.led_to(Error::Unseen { what: format!("usage from {} on", asked.start()), why })
    })
}

/// How this account can read.
async fn mode(cloud: &Cloud, query: &Query) -> Result<Mode> {
    if query.mode == Some(Mode::PerProject) {
        return Ok(Mode::PerProject);
    }
    let login = cloud.login().await?;
    // Neutron, Glance and Cinder refuse nobody who asks for everybody's things: they list the caller's own. So the
    // role is looked at, by the name that all of them have in their policies.
    let is_admin =
        login.project_id.is_some() && login.roles.iter().any(|it| it.eq_ignore_ascii_case("admin"));
    let counts = |it: UsageService| query.services.as_ref().is_none_or(|all| all.contains(&it));
    // Nova says no by itself, if it does.
    let only_nova = query.services.as_ref().is_some_and(|it| it.len() == 1) && counts(UsageService::Compute);
    if query.mode.is_some() {
        if is_admin || only_nova {
            return Ok(Mode::AllProjects);
        }
        return Err(Part::Mode.led_to(Error::Unseen {
            what: "the usage of all projects".into(),
            why: format!(
                "that takes the role admin on a project, and a login to that project. This login is for {}, with the \
                 roles {}. With the role reader on each project, they can be read one by one (mode per_project)",
                cloud.scope(),
                login.roles.join(", ")
            ),
        }));
    }
    if !is_admin {
        return Ok(Mode::PerProject);
    }
    if counts(UsageService::Compute) && cloud.has_service(Service::Compute.official()).await? {
        match compute::probe(cloud, &query.window).await {
            Err(why) if why.is_forbidden() => return Ok(Mode::PerProject),
            Err(why) => return Err(why),
            Ok(()) => {}
        }
    }
    Ok(Mode::AllProjects)
}

/// Does some of these at once. The results are in the order of the tasks.
pub(super) async fn each<T, F: Future<Output = Result<T>>>(tasks: Vec<F>) -> Result<Vec<T>> {
    stream::iter(tasks).buffered(AT_ONCE).try_collect().await
}

async fn seen_by_admin(cloud: &Cloud, whose: &Whose) -> Result<Vec<Project>> {
    let projects = cloud.projects();
    match whose {
        Whose::All => projects.list(&ProjectFilter::default()).await,
        Whose::Domain(id) => {
            // Keystone lists nothing for a domain that isn't there.
            cloud.domains().get(id).await?;
            projects.list(&ProjectFilter { domain_id: Some(id.clone()), ..Default::default() }).await
        }
        Whose::Projects(ids) if ids.len() <= FEW => {
            try_join_all(ids.iter().map(|id| async move { projects.get(id).await })).await
        }
        Whose::Projects(ids) => {
            let mut all = projects.list(&ProjectFilter::default()).await?;
            all.retain(|it| ids.contains(&it.id));
            let known: BTreeSet<&str> = all.iter().map(|it| it.id.as_str()).collect();
            // The list has no projects that are domains, and none that were made since.
            let missing = ids.iter().filter(|it| !known.contains(it.as_str()));
            all.extend(each(missing.map(|id| projects.get(id)).collect()).await?);
            Ok(all)
        }
    }
}

async fn seen_by_member(cloud: &Cloud, whose: &Whose) -> Result<Vec<Project>> {
    let mut all = cloud.projects().mine().await?;
    let none = |what: String| Error::Unseen {
        what,
        why: "the account has no role there. Give it the role reader on each project that it is to meter"
            .into(),
    };
    match whose {
        Whose::All => {}
        Whose::Domain(id) => all.retain(|it| it.domain_id == *id),
        Whose::Projects(ids) => {
            if let Some(id) = ids.iter().find(|id| !all.iter().any(|it| it.id == **id)) {
                return Err(none(format!("the usage of project {id}")));
            }
            all.retain(|it| ids.contains(&it.id));
        }
    }
    match whose {
        _ if !all.is_empty() => Ok(all),
        Whose::Domain(id) => Err(none(format!("the usage of any project of domain {id}"))),
        _ => Err(none("the usage of any project".into())),
    }
}

impl Collector<'_> {
    async fn read(
        &self,
        cloud: &Cloud,
        mode: Mode,
        projects: Vec<Project>,
        services: &[UsageService],
    ) -> Result<()> {
        let wide = mode == Mode::AllProjects;
        if wide && (self.wanted.is_none() || projects.len() > FEW) {
            let view = View { cloud: cloud.clone(), wide, project: None };
            try_join_all(services.iter().map(|it| self.service(&view, *it))).await?;
            return Ok(());
        }
        let each = projects.into_iter().map(|project| async move {
            let cloud = match mode {
                Mode::AllProjects => cloud.clone(),
                Mode::PerProject => cloud.visiting(Scope::Project(project.id.clone())),
            };
            let view = View { cloud, wide, project: Some(project.id) };
            for service in services {
                self.service(&view, *service).await?;
            }
            Ok(())
        });
        stream::iter(each).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Reads what one service has for a view. Nothing counts before the last page is read.
    async fn service(&self, view: &View, service: UsageService) -> Result<()> {
        if !view.cloud.has_service(service.api().official()).await? {
            self.absent().insert(service);
            return Ok(());
        }
        let read = match service {
            UsageService::Compute => compute::read(self, view).await,
            UsageService::ObjectStore => object_store::read(self, view).await,
            other => lists::read(self, view, other).await,
        };
        let batch = match read {
            Err(why) if is_refusal(&why) => return self.refusal(view, service, why),
            other => other?,
        };
        let mut tally = self.tally();
        tally.absorb(batch);
        match &view.project {
            Some(id) => tally.complete(id, service, self.completeness(service)),
            None => drop(self.whole().insert(service)),
        }
        Ok(())
    }

    fn completeness(&self, service: UsageService) -> Completeness {
        Completeness { grade: self.grade(service), observed_at: self.observed_at }
    }

    /// An account that may not look: an error if the service was asked for by name.
    fn refusal(&self, view: &View, service: UsageService, why: Error) -> Result<()> {
        let needed = format!("the account needs {}", role(service, view.wide));
        if self.query.services.is_some() {
            let what = format!("the {service} usage of {}", view.whose());
            let why = match why {
                Error::Unseen { why, .. } => why,
                other => format!("{needed}: {other}"),
            };
            return Err(Part::Services.led_to(Error::Unseen { what, why }));
        }
        // Nothing here differs from one reading to the next, as a request's id does.
        let said = match why {
            Error::Unseen { why, .. } => why,
            _ => needed,
        };
        let mut refused = self.refused();
        let (_, projects) = refused.entry(service).or_insert_with(|| (said, BTreeSet::new()));
        projects.extend(view.project.iter().cloned());
        Ok(())
    }

    /// How far a service's figures can be trusted.
    pub fn grade(&self, service: UsageService) -> Grade {
        match service {
            UsageService::Compute => Grade::ExactExistence,
            // Today's bytes are no bound of yesterday's.
            UsageService::ObjectStore => Grade::Snapshot,
            _ if self.observed_at.duration_since(self.window.end()) <= SOON => Grade::Snapshot,
            _ => Grade::LowerBound,
        }
    }

    /// The owner of a row, if its rows count.
    pub fn owner<'a>(&self, view: &'a View, said: Option<&'a str>) -> Option<&'a str> {
        let owner = match (said, &view.project) {
            (Some(said), Some(project)) if said != project => return None,
            (Some(said), _) => said,
            // Only a project's own list doesn't say whose it is.
            (None, project) => project.as_deref()?,
        };
        // What no project has, such as the networks of Neutron's own routers, is nobody's usage.
        let counts = !owner.is_empty() && self.wanted.as_ref().is_none_or(|it| it.contains(owner));
        counts.then_some(owner)
    }

    pub fn batch(&self) -> Batch {
        Batch::new(self.query.detail)
    }

    pub fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn whole(&self) -> MutexGuard<'_, BTreeSet<UsageService>> {
        self.whole.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn absent(&self) -> MutexGuard<'_, BTreeSet<UsageService>> {
        self.absent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self) -> MutexGuard<'_, BTreeMap<UsageService, (String, BTreeSet<String>)>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(self) -> Report {
        let refused = std::mem::take(&mut *self.refused());
        let absent = std::mem::take(&mut *self.absent());
        let whole = std::mem::take(&mut *self.whole());
        let whole: Vec<_> = whole.into_iter().map(|it| (it, self.completeness(it))).collect();
        let mut tally = self.tally.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Now that all projects are known, also those that only their usage tells of.
        for (service, completeness) in whole {
            tally.complete_all(service, completeness);
        }
        if self.query.services.is_some() {
            for service in absent {
                tally.remark(format!("{service}: the cloud has no {} service.", service.api()));
            }
        }
        for (service, (why, projects)) in refused {
            let of = if projects.is_empty() { String::new() } else { format!(" in {}", few(&projects)) };
            tally.remark(format!("{service} is not counted{of}: {why}."));
        }
        let gone = tally.departed_ids();
        if !gone.is_empty() {
            tally.remark(format!(
                "Keystone does not know {} any more: they have usage and no name.",
                few(&gone)
            ));
        }
        tally.finish()
    }
}

/// Whether a service is one that this account, or anybody with such a token, may not look at.
fn is_refusal(why: &Error) -> bool {
    why.is_forbidden() || matches!(why, Error::Unseen { .. })
}

/// The role that is missing.
fn role(service: UsageService, wide: bool) -> &'static str {
    match (service, wide) {
        (UsageService::ObjectStore, true) => "Swift's role ResellerAdmin on the project that it logs in to",
        (UsageService::ObjectStore, false) => {
            "one of Swift's `operator_roles` or `project_reader_roles` on the project"
        }
        (UsageService::LoadBalancer, true) => {
            "the role admin, or load-balancer_global_observer, on the project that it logs in to"
        }
        (UsageService::LoadBalancer, false) => "the role reader, or load-balancer_observer, on the project",
        // Heat 27 lists everybody's stacks to some administrators all the same, and doesn't say to whom.
        (UsageService::Stack, true) => {
            "what Heat's policy `stacks:global_index` asks for; by default it is denied to everybody, and stacks are only \
             told project by project (mode per_project)"
        }
        (_, true) => "the role admin on the project that it logs in to",
        (_, false) => "the role reader on the project",
    }
}

/// `project a`, or `12 projects (a, b, c ...)`.
pub(super) fn few(ids: &BTreeSet<String>) -> String {
    let first = ids.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
    match ids.len() {
        1 => format!("project {first}"),
        2 | 3 => format!("the projects {first}"),
        n => format!("{n} projects ({first} ...)"),
    }
}

/// Finds the names of the users who own samples. An account that may not see them gets none.
pub(super) async fn name_users(cloud: &Cloud, report: &mut Report) -> Result<()> {
    let ids: BTreeSet<String> = report.samples.iter().filter_map(|it| it.user_id.clone()).collect();
    let users = cloud.users();
    let found = if ids.len() <= FEW_USERS {
        let each = ids.iter().map(|id| async move { users.get_opt(id).await });
        try_join_all(each).await.map(|all| all.into_iter().flatten().collect())
    } else {
        users.list(&UserFilter::default()).await
    };
    match found {
        Ok(found) => {
            let named = found.into_iter().filter(|it| ids.contains(&it.id));
            report.users = named.map(|it| (it.id, it.name)).collect();
            Ok(())
        }
        Err(why) if why.is_forbidden() => {
            report.remarks.push("Users have ids only: the account may not see Keystone's users.".into());
            Ok(())
        }
        Err(why) => Err(why),
    }
}
