//! What was found, put together.

use std::collections::{BTreeMap, BTreeSet};

use bigdecimal::BigDecimal;
use jiff::Timestamp;

use super::amount::{Totals, Unit};
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
#[derive(Clone, Debug, PartialEq)]
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

/// A sample of a project that the report isn't about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TallyError;

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
            totals: Totals::default(),
            completeness: BTreeMap::new(),
            rated: None,
        };
        self.report.projects.insert(project.id.clone(), usage);
    }

    /// A project that has usage and that Keystone knows no more.
    pub fn departed(&mut self, project_id: &str) {
        self.report.projects.entry(project_id.to_owned()).or_insert_with(|| ProjectUsage {
            name: String::new(),
            domain_id: String::new(),
            domain_name: String::new(),
            tags: BTreeSet::new(),
            properties: BTreeMap::new(),
            totals: Totals::default(),
            completeness: BTreeMap::new(),
            rated: None,
        });
    }

    /// Whether the report is about this project.
    pub fn has(&self, project_id: &str) -> bool {
        self.report.projects.contains_key(project_id)
    }

    /// Counts a sample. One that has no time in the window counts for nothing, and isn't kept.
    ///
    /// # Errors
    /// If the report isn't about its project.
    pub fn push(&mut self, sample: Sample) -> Result<(), TallyError> {
        let project = self.report.projects.get_mut(&sample.project_id).ok_or(TallyError)?;
        if sample.overlap == 0 {
            return Ok(());
        }
        for (unit, amount) in sample.amounts() {
            project.totals.add(unit, &sample.kind, amount);
        }
        if self.detail {
            self.report.samples.push(sample);
        }
        Ok(())
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
