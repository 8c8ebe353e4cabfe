//! Limits that a service did not take.

use std::collections::BTreeMap;
use std::fmt;

use super::{Limits, QuotaService};
use crate::openstack::error::{Attempt, Error, Result, StatusError};

/// Limits that a service did not take, and why.
#[derive(Clone, Debug)]
pub struct QuotaError {
    /// The service.
    pub service: QuotaService,
    /// The project; none for the defaults.
    pub project_id: Option<String>,
    /// What was asked for each key that was not taken, and why it was not.
    pub keys: BTreeMap<String, (i64, Refusal)>,
    /// The service's words.
    pub message: String,
    /// The request that was refused or ignored.
    pub attempt: Option<Attempt>,
}

/// Why a limit was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The service has no such key.
    Unknown,
    /// More than that is in use or reserved.
    BelowUse {
        /// How much is in use and reserved.
        used: i64,
    },
    /// Keystone keeps the limits of this service, and has no registered limit of this name for its region.
    Unregistered,
    /// Nova with unified limits knows only the default of this, which holds for all projects.
    DefaultOnly,
    /// The service accepted it and has another value, or none.
    Ignored {
        /// What it has.
        actual: Option<i64>,
    },
}

impl fmt::Display for QuotaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot set the limits of {}", self.service)?;
        if let Some(id) = &self.project_id {
            write!(f, " for project {id}")?;
        }
        for (n, (key, (asked, why))) in self.keys.iter().enumerate() {
            write!(f, "{} {key} = {asked}: {why}", if n == 0 { ":" } else { ";" })?;
        }
        if !self.message.is_empty() {
            write!(f, ". It answered: {}", self.message)?;
        }
        if let Some(attempt) = &self.attempt {
            write!(f, " {}", attempt.place())?;
        }
        Ok(())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("it has no such key"),
            Self::Unregistered => {
                f.write_str("Keystone has no registered limit for it, of this service and in its region")
            }
            Self::DefaultOnly => {
                f.write_str("the service knows only one value for all projects, which is the default")
            }
            Self::BelowUse { used } => write!(f, "{used} are in use or reserved"),
            Self::Ignored { actual: Some(actual) } => write!(f, "it was accepted, but {actual} is in effect"),
            Self::Ignored { actual: None } => f.write_str("it was accepted, but is not there"),
        }
    }
}

impl std::error::Error for QuotaError {}

/// What is in effect, if all that was asked for is.
pub(super) fn taken(
    service: QuotaService,
    project_id: Option<&str>,
    asked: &Limits,
    now: Limits,
) -> Result<Limits> {
    let ignored = ignored(asked, &now);
    if ignored.is_empty() { Ok(now) } else { Err(refuse(service, project_id, ignored)) }
}

/// What was asked for and is not in effect.
pub(super) fn ignored(asked: &Limits, now: &Limits) -> BTreeMap<String, (i64, Refusal)> {
    asked
        .iter()
        .filter(|(key, value)| now.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), (*value, Refusal::Ignored { actual: now.get(key).copied() })))
        .collect()
}

/// An error about these keys that is ours, and not the service's.
pub(super) fn refuse(
    service: QuotaService,
    project_id: Option<&str>,
    keys: BTreeMap<String, (i64, Refusal)>,
) -> Error {
    let project_id = project_id.map(str::to_owned);
    Error::Quota(Box::new(QuotaError { service, project_id, keys, message: String::new(), attempt: None }))
}

/// The error about these keys, if there are any, with the service's words.
pub(super) fn explained(
    service: QuotaService,
    project_id: Option<&str>,
    keys: BTreeMap<String, (i64, Refusal)>,
    refusal: &StatusError,
) -> Option<Error> {
    if keys.is_empty() {
        return None;
    }
    let project_id = project_id.map(str::to_owned);
    let (message, attempt) = (refusal.message.clone(), Some(refusal.attempt.clone()));
    Some(Error::Quota(Box::new(QuotaError { service, project_id, keys, message, attempt })))
}
