//! What was found, put together.

use std::collections::{BTreeMap, BTreeSet};

use bigdecimal::BigDecimal;
use jiff::Timestamp;

use super::amount::{Totals, Unit};
use super::prices::Prices;
use super::sample::{Grade, Sample, UsageService};
use super::window::Window;
use crate::openstack::identity::Project;

/// Where figures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The services' own APIs.
    Api,
    /// CloudKitty, which rates usage and keeps it.
    CloudKitty,
    /// Gnocchi, which keeps samples.
    Gnocchi,
}

/// How projects are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// All at once, as an administrator.
    AllProjects,
    /// One by one, with a token for each.
    PerProject,
}

impl Mode {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::AllProjects => "all_projects",
            Self::PerProject => "per_project",
        }
    }
}

/// How complete the figures of a service are, for one project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completeness {
    /// How far they can be trusted.
    pub grade: Grade,
    /// When they were looked at. For a rating engine: how far it has come.
    pub observed_at: Timestamp,
}

/// What one project used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProjectUsage {
    /// The project's name; empty if Keystone knows it no more.
    pub name: String,
    /// Id of the domain that owns it; empty if Keystone knows the project no more.
    pub domain_id: String,
    /// Name of that domain; empty if the account may not see it.
    pub domain_name: String,
    /// The project's tags.
    pub tags: BTreeSet<String>,
    /// Further keys that Keystone stores with the project. A text is without quotes, all else is JSON.
    pub properties: BTreeMap<String, String>,
    /// What it used.
    pub totals: Totals,
    /// How complete that is, for each service that was looked at.
    pub completeness: BTreeMap<UsageService, Completeness>,
    /// What a rating engine charges, by unit and kind. `None`: nobody rated it.
    pub rated: Option<BTreeMap<(Unit, String), BigDecimal>>,
    /// What a rating engine measures and charges in units that are none of ours, by its name for the metric.
    pub others: BTreeMap<String, OtherCharge>,
}

/// Something that only a rating engine knows of.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherCharge {
    /// How much there was, summed over the engine's periods.
    pub quantity: BigDecimal,
    /// The engine's unit.
    pub unit: String,
    /// What it costs.
    pub cost: BigDecimal,
}

impl ProjectUsage {
    /// What a rating engine charges for everything. `None`: nobody rated it.
    fn rated_cost(&self) -> Option<BigDecimal> {
        let others = self.others.values().map(|it| &it.cost);
        self.rated.as_ref().map(|rated| rated.values().chain(others).sum())
    }

    /// What everything costs: what a rating engine charges, else by the prices; what has none costs nothing. `None`:
    /// there is neither.
    pub fn cost(&self, prices: &Prices) -> Option<BigDecimal> {
        let priced = || (!prices.is_empty()).then(|| prices.total(&self.totals).unwrap_or_default());
        self.rated_cost().or_else(priced)
    }
}

/// The usage of all projects in a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The window. Its end is never later than `observed_at`.
    pub window: Window,
    /// When the services were asked.
    pub observed_at: Timestamp,
    /// Where the figures come from.
    pub source: Source,
    /// What was counted, of the services that were looked at. An engine doesn't measure everything.
    pub units: BTreeSet<Unit>,
    /// By id of the project. Projects that used nothing are here too.
    pub projects: BTreeMap<String, ProjectUsage>,
    /// One for each resource, by project, service, start and id. Empty unless details were asked for.
    pub samples: Vec<Sample>,
    /// Names of the users who own samples, by id. Empty unless they were asked for, or if the account may not see
    /// them.
    pub users: BTreeMap<String, String>,
    /// How the projects were read.
    pub mode_used: Mode,
    /// How many requests that took.
    pub requests: u64,
    /// What is to be said about it, each once, sorted.
    pub remarks: Vec<String>,
}

/// Puts a report together from samples, as they come.
#[derive(Debug)]
pub struct Tally {
    report: Report,
    detail: bool,
}

/// What counts only once all of it is there: the pages of a list.
#[derive(Clone, Debug)]
pub struct Batch {
    detail: bool,
    totals: BTreeMap<String, Totals>,
    samples: Vec<Sample>,
}

impl Batch {
    /// Nothing yet. With `detail` each sample is kept, without only the totals are.
    pub fn new(detail: bool) -> Self {
        Self { detail, totals: BTreeMap::new(), samples: Vec::new() }
    }

    /// Counts a sample. One that has no time in the window counts for nothing, and isn't kept.
    pub fn push(&mut self, sample: Sample) {
        if sample.overlap == 0 {
            return;
        }
        if !self.totals.contains_key(&sample.project_id) {
            self.totals.insert(sample.project_id.clone(), Totals::default());
        }
        if let Some(totals) = self.totals.get_mut(&sample.project_id) {
            for (unit, amount) in sample.amounts() {
                totals.add(unit, &sample.kind, amount);
            }
        }
        if self.detail {
            self.samples.push(sample);
        }
    }

    /// Takes in another one.
    pub fn merge(&mut self, other: Batch) {
        for (id, totals) in other.totals {
            self.totals.entry(id).or_default().merge(&totals);
        }
        self.samples.extend(other.samples);
    }
}

impl Tally {
    /// A tally without a project. With `detail` each sample is kept, without only the totals are.
    pub fn new(
        window: Window,
        observed_at: Timestamp,
        source: Source,
        mode_used: Mode,
        detail: bool,
    ) -> Self {
        let report = Report {
            window,
            observed_at,
            source,
            units: Unit::ALL.into(),
            projects: BTreeMap::new(),
            samples: Vec::new(),
            users: BTreeMap::new(),
            mode_used,
            requests: 0,
            remarks: Vec::new(),
        };
        Self { report, detail }
    }

    /// A project that the report is about.
    pub fn project(&mut self, project: &Project, domain_name: &str) {
        let text = |it: &serde_json::Value| it.as_str().map_or_else(|| it.to_string(), str::to_owned);
        let usage = ProjectUsage {
            name: project.name.clone(),
            domain_id: project.domain_id.clone(),
            domain_name: domain_name.to_owned(),
            tags: project.tags.clone(),
            properties: project.properties.iter().map(|(key, value)| (key.clone(), text(value))).collect(),
            ..Default::default()
        };
        self.report.projects.insert(project.id.clone(), usage);
    }

    /// Counts a sample.
    pub fn push(&mut self, sample: Sample) {
        let mut batch = Batch::new(self.detail);
        batch.push(sample);
        self.absorb(batch);
    }

    /// Counts what was read to its end. A project that has usage and that Keystone knows no more comes in without a
    /// name.
    pub fn absorb(&mut self, batch: Batch) {
        for (id, totals) in &batch.totals {
            self.usage(id).totals.merge(totals);
        }
        self.report.samples.extend(batch.samples);
    }

    fn usage(&mut self, project_id: &str) -> &mut ProjectUsage {
        self.report.projects.entry(project_id.to_owned()).or_default()
    }

    /// How the projects are read.
    pub(super) fn mode(&self) -> Mode {
        self.report.mode_used
    }

    /// The projects that the report is about and that Keystone knows.
    pub(super) fn known_ids(&self) -> Vec<String> {
        let known = self.report.projects.iter().filter(|(_, it)| !it.domain_id.is_empty());
        known.map(|(id, _)| id.clone()).collect()
    }

    /// Those that Keystone knows no more.
    pub(super) fn departed_ids(&self) -> BTreeSet<String> {
        let departed = self.report.projects.iter().filter(|(_, it)| it.domain_id.is_empty());
        departed.map(|(id, _)| id.clone()).collect()
    }

    /// Says how complete a service's figures are for a project. The weakest word holds.
    pub fn complete(&mut self, project_id: &str, service: UsageService, it: Completeness) {
        if let Some(project) = self.report.projects.get_mut(project_id) {
            let held = project.completeness.entry(service).or_insert(it);
            if it.grade > held.grade {
                *held = it;
            }
        }
    }

    /// Says how complete a service's figures are for all projects.
    pub fn complete_all(&mut self, service: UsageService, it: Completeness) {
        for project in self.report.projects.values_mut() {
            project.completeness.insert(service, it);
        }
    }

    /// Says something about the report.
    pub fn remark(&mut self, text: String) {
        self.report.remarks.push(text);
    }

    /// The report as it is so far, for what comes in no sample: totals of an engine, names of users.
    pub fn report(&mut self) -> &mut Report {
        &mut self.report
    }

    /// The report, in its order.
    pub fn finish(self) -> Report {
        let mut report = self.report;
        report.samples.sort_by(|one, other| one.key().cmp(&other.key()));
        report.remarks.sort();
        report.remarks.dedup();
        report
    }
}
