//! `data.tenancy_metered_usage`: what projects used in a window of time.

mod prices;
mod shown;
mod texts;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::openstack::Error;
use crate::openstack::usage::{BadWindow, Mode, Part, Query, Source, UsageService, Whose, Window};
use crate::resources::{Tenancy, check, diagnostic};
use crate::tf::{
    Computed, Context, DataSource, Diagnostic, Diagnostics, Draft, Model, Number, Path, Result, Value, at,
    choice,
};
use shown::{Hours, Resource, Usage};
use texts::{Accounting, Billing, Rendering};

choice! {
    /// Where the figures come from.
    pub enum From {
        /// The services' own APIs.
        Api = "api",
        /// CloudKitty.
        CloudKitty = "cloudkitty",
        /// Gnocchi.
        Gnocchi = "gnocchi",
    }
}

choice! {
    /// How projects are read.
    pub enum How {
        /// As the account may.
        Auto = "auto",
        /// All at once.
        AllProjects = "all_projects",
        /// One by one.
        PerProject = "per_project",
    }
}

/// What projects used in a window of time: hours of servers, virtual CPUs, memory, volumes, addresses and so on.
///
/// Figures come from the services' own APIs, or from an engine that keeps a history. Each service of each project has a
/// word for how complete its figures are: `completeness`. Nova remembers servers that were deleted, so that a server
/// counts for exactly the time it existed, running or stopped, with its last flavor. All other services know only what
/// is there now: it counts from its creation on, with its size now, and what was deleted inside the window is missing.
///
/// A data source is read at every plan. Give a window that is over, or leave `end` unset, and nothing changes
/// from plan to plan but what the cloud itself changes.
#[derive(Debug, Model)]
pub struct MeteredUsage {
    /// Start of the window, such as `2026-10-01T00:00:00Z` (RFC 3339, with any offset).
    #[tf(check(time))]
    pub start: String,
    /// End of the window, which is not in it. By default the start of the current hour. If it is in the future, usage
    /// counts until now, and differs from plan to plan.
    #[tf(optional, check(time))]
    pub end: Computed<String>,
    /// Ids of the projects to meter. By default all that the account may see. Not with `domain_id`.
    #[tf(check(ids))]
    pub project_ids: Option<BTreeSet<String>>,
    /// Id of the domain whose projects to meter.
    #[tf(check(check::not_empty))]
    pub domain_id: Option<String>,
    /// What to meter: `compute`, `volume`, `snapshot`, `backup`, `floating_ip`, `router`, `load_balancer`, `image`,
    /// `object_store`, `dns_zone`, `stack`. By default all that the cloud has; what the account may not look at is
    /// then left out, with a remark. What is named here must be seen, or it is an error.
    #[tf(check(services))]
    pub services: Option<BTreeSet<String>>,
    /// Where the figures come from: `api` (the services' own APIs), `cloudkitty` or `gnocchi` (engines that keep a
    /// history, where the cloud has one).
    #[tf(default = From::Api)]
    pub source: From,
    /// How projects are read: `all_projects` takes an administrator's account, logged in to a project, and pages
    /// through everybody's things; `per_project` takes the role reader on each project, and a login to each, which no
    /// application credential allows; `auto` finds out which of them the account can.
    #[tf(default = How::Auto)]
    pub mode: How,
    /// Whether `samples` has each resource. In a large cloud that is a large state.
    #[tf(default = false)]
    pub detail: bool,
    /// Price of an hour, by unit: the attributes of `totals`. Either a number for all, or numbers by kind (flavor,
    /// volume type, provider of load balancers): `{ vcpu_hours = 0.01, volume_gib_hours = { ssd = 0.0002 } }`. What
    /// has no price costs nothing.
    #[tf(check(prices::check))]
    pub prices: Option<Value>,
    /// Texts to make, of `csv`, `json`, `focus_csv`, `cloud_records`, `ip_records` and `storage_records`. By default
    /// `csv` and `json`. They are part of the state: leave out what nobody reads.
    #[tf(check(texts::check))]
    pub renderings: Option<BTreeSet<String>>,
    /// Who bills whom: for `focus_csv`, and the currency in `csv`.
    pub billing: Option<Billing>,
    /// What accounting records say of the site: for `cloud_records`, `ip_records` and `storage_records`.
    pub accounting: Option<Accounting>,
    /// What each project used, by the project's id. Projects that used nothing are here too.
    pub projects: Computed<BTreeMap<String, Usage>>,
    /// What all of them used, in hours. A unit is null if nobody counted it: its service was not
    /// looked at, or the engine does not measure it.
    pub totals: Computed<Hours>,
    /// What all of that costs, in the prices' currency. Null without prices.
    pub cost: Computed<Option<Number>>,
    /// Each resource, by project, service, start and id. Null without `detail`.
    pub samples: Computed<Option<Vec<Resource>>>,
    /// A table (RFC 4180): a row for each unit and kind of a project, or with `detail` of a resource. New columns come
    /// at the end.
    pub csv: Computed<Option<String>>,
    /// All figures as one JSON object.
    pub json: Computed<Option<String>>,
    /// A table of charges in the columns of FOCUS 1.2. Null if nothing has a price.
    pub focus_csv: Computed<Option<String>>,
    /// APEL's cloud records 0.4, one for each server, as cASO sends them.
    pub cloud_records: Computed<Option<String>>,
    /// APEL's records of public addresses 0.2: how many each project had at the end of the window.
    pub ip_records: Computed<Option<String>>,
    /// Storage accounting records (EMI StAR), one for each volume.
    pub storage_records: Computed<Option<String>>,
    /// How projects were read: `all_projects` or `per_project`.
    pub mode_used: Computed<String>,
    /// How many requests that took, without logins.
    pub requests: Computed<i64>,
    /// What is to be said about the figures: services that were left out, projects that Keystone does not know any more.
    pub remarks: Computed<Vec<String>>,
    /// When the services were asked. It differs from plan to plan, so that an output of it always changes.
    pub observed_at: Computed<String>,
}

impl DataSource for MeteredUsage {
    const NAME: &'static str = "metered_usage";
    type Client = Tenancy;

    fn validate(config: &Draft<Self>) -> Result<()> {
        let mut found = Diagnostics::default();
        if let (Some(start), Some(Computed::Known(end))) =
            (config.get(at!(Self, start))?, config.get(at!(Self, end))?)
            && let (Ok(start), Ok(end)) = (start.parse::<Timestamp>(), end.parse::<Timestamp>())
            && let Err(why) = Window::new(start, end)
        {
            found.push(no_window(why).at(at!(Self, end)));
        }
        if config.is_set(at!(Self, project_ids)) && config.is_set(at!(Self, domain_id)) {
            let told = "Projects are named one by one or by their domain, not both.";
            found
                .push(Diagnostic::error("Two ways to choose projects").detail(told).at(at!(Self, domain_id)));
        }
        let wanted = config.get(at!(Self, renderings))?.flatten().unwrap_or_default();
        let wants = |it: Rendering| wanted.contains(it.word());
        let need = |at: Path, what: &str, whose: &str| {
            Diagnostic::error(format!("{whose} takes {what}")).detail(format!("Set `{what}`.")).at(at)
        };
        if wants(Rendering::FocusCsv) {
            // CloudKitty brings prices of its own. Whether it is the source may not be known yet.
            let rated = config.raw(at!(Self, source));
            let rated = *rated == From::CloudKitty.as_str().into() || *rated == Value::Unknown;
            if !config.is_set(at!(Self, prices)) && !rated {
                found.push(need(at!(Self, renderings).into(), "prices", "focus_csv"));
            }
            if !config.is_set(at!(Self, billing)) {
                found.push(need(at!(Self, renderings).into(), "billing", "focus_csv"));
            }
        }
        for it in Rendering::RECORDS.into_iter().filter(|it| wants(*it)) {
            if !config.is_set(at!(Self, accounting)) {
                found.push(need(at!(Self, renderings).into(), "accounting", it.word()));
            }
        }
        found.into_result()
    }

    async fn read(config: Self, client: &Context<Tenancy>) -> Result<Self> {
        let (start, end) = (instant(&config.start), config.end.as_known().map(|it| instant(it)));
        // The start of the current hour, so that plans of the same hour are the same.
        let end = end.unwrap_or_else(this_hour);
        let window = Window::new(start, end).map_err(|why| {
            let at: Path =
                if config.end.as_known().is_some() { at!(Self, end).into() } else { at!(Self, start).into() };
            Diagnostics::from(no_window(why).at(at))
        })?;
        let wanted = Rendering::wanted(config.renderings.as_ref());
        let records = Rendering::RECORDS.iter().any(|it| wanted.contains(it));
        let query = Query {
            window,
            whose: match (&config.project_ids, &config.domain_id) {
                (Some(ids), _) => Whose::Projects(ids.clone()),
                (None, Some(id)) => Whose::Domain(id.clone()),
                (None, None) => Whose::All,
            },
            services: config.services.as_ref().map(|it| it.iter().filter_map(|it| it.parse().ok()).collect()),
            mode: match config.mode {
                How::Auto => None,
                How::AllProjects => Some(Mode::AllProjects),
                How::PerProject => Some(Mode::PerProject),
            },
            detail: config.detail || records,
            users: records,
        };
        let source = match config.source {
            From::Api => Source::Api,
            From::CloudKitty => Source::CloudKitty,
            From::Gnocchi => Source::Gnocchi,
        };
        let report = client.meter().usage_from(source, &query).await.map_err(|why| explained(&query, why))?;
        let end = config.end.known().unwrap_or_else(|| end.to_string());
        Ok(shown::shown(Self { end: end.into(), ..config }, report, &wanted))
    }
}

/// The start of the current hour, in UTC.
fn this_hour() -> Timestamp {
    let now = Timestamp::now();
    let hour = now.as_second().div_euclid(3600) * 3600;
    Timestamp::from_second(hour).unwrap_or(now)
}

fn no_window(why: BadWindow) -> Diagnostic {
    let BadWindow { start, end } = why;
    Diagnostic::error("No window of time")
        .detail(format!("The window starts at {start}, and so must end after that. It ends at {end}."))
}

/// A failure, at the attribute that led to it.
fn explained(query: &Query, why: Error) -> Diagnostics {
    const SUMMARY: &str = "Cannot meter the usage";
    let (part, why) = match why {
        Error::Query { part, why } => (part, why),
        // Only an engine is asked for by its name.
        Error::NoService(_) => return diagnostic(SUMMARY, why).at(at!(MeteredUsage, source)).into(),
        _ => return diagnostic(SUMMARY, why).into(),
    };
    let path: Path = match (part, &query.whose) {
        (Part::Window, _) => at!(MeteredUsage, start).into(),
        (Part::Whose, Whose::Projects(_)) => at!(MeteredUsage, project_ids).into(),
        (Part::Whose, Whose::Domain(_)) => at!(MeteredUsage, domain_id).into(),
        (Part::Whose, Whose::All) | (Part::Mode, _) => at!(MeteredUsage, mode).into(),
        (Part::Services, _) => at!(MeteredUsage, services).into(),
    };
    diagnostic(SUMMARY, *why).at(path).into()
}

/// An instant; it was checked when the configuration was.
fn instant(text: &str) -> Timestamp {
    text.parse().unwrap_or_default()
}

fn time(text: &String) -> std::result::Result<(), String> {
    let why = |_| format!("Expected a time such as 2026-10-01T00:00:00Z, with its offset; got \"{text}\".");
    text.parse::<Timestamp>().map(drop).map_err(why)
}

fn ids(all: &BTreeSet<String>) -> std::result::Result<(), String> {
    if all.is_empty() {
        return Err("Expected at least one id. Without project_ids, all projects are metered.".into());
    }
    all.iter().try_for_each(check::not_empty)
}

fn services(all: &BTreeSet<String>) -> std::result::Result<(), String> {
    if all.is_empty() {
        return Err("Expected at least one. Without services, all are metered.".into());
    }
    all.iter().try_for_each(|it| it.parse::<UsageService>().map(drop).map_err(|why| format!("{why}.")))
}
