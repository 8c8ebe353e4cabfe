//! What is asked for.

use std::collections::BTreeSet;

use super::report::Mode;
use super::sample::UsageService;
use super::window::Window;
use crate::openstack::error::Error;

/// Whose usage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Whose {
    /// That of all projects that the account may see.
    #[default]
    All,
    /// That of these, by id.
    Projects(BTreeSet<String>),
    /// That of a domain's projects, by the domain's id.
    Domain(String),
}

/// Whose usage of what, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// When.
    pub window: Window,
    /// Whose.
    pub whose: Whose,
    /// What. `None`: all that the cloud has and the account may look at. A service that is named must be seen; only
    /// one that the cloud doesn't have is just remarked on.
    pub services: Option<BTreeSet<UsageService>>,
    /// How projects are read. `None`: all at once if the account may, else one by one.
    pub mode: Option<Mode>,
    /// Whether a sample of each resource is wanted, with its traits.
    pub detail: bool,
    /// Whether the names of the samples' users are wanted.
    pub users: bool,
}

/// A part of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// When.
    Window,
    /// Whose.
    Whose,
    /// What.
    Services,
    /// How.
    Mode,
}

impl Part {
    /// The error that this part led to.
    pub(super) fn led_to(self, why: Error) -> Error {
        Error::Query { part: self, why: Box::new(why) }
    }
}
