//! Deletes what a project holds, in an order in which it can be deleted.
//!
//! It goes stage by stage, services that don't depend on each other side by side. In each stage everything is listed, deleted and listed again, until the list is empty:
//! a DELETE is only accepted by most services, and done later. What a service refuses because something else is
//! still in the way is tried again for a while.

mod steps;

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::catalog::Service;
use super::cloud::Cloud;
use super::error::{Error, LeftoverError, Result};
use super::inventory::look::{Item, LOOKS, Look, reason};
use super::inventory::{Unseen, Views};

/// How often a refused deletion is tried. With the waits between that is some minutes.
const TRIES: usize = 12;
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15);

/// What a purge did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// How many things were deleted.
    pub deleted: usize,
    /// The services that couldn't be looked into. What they have of the project's stays there.
    pub unseen: Vec<Unseen>,
}

impl Cloud {
    /// Deletes everything that [`Cloud::inventory`] would find, except projects below, and the security group
    /// `default` with it. The project itself stays.
    ///
    /// `timeout` is for the whole of it. Servers, load balancers and volumes take their time to go.
    ///
    /// # Errors
    /// [`Error::Leftover`] says what could not be deleted, and why; what was deleted is deleted. Those of a
    /// login.
    pub async fn purge(&self, project_id: &str, timeout: Duration) -> Result<Purged> {
        let views = Views::of(self, project_id).await?;
        let catalog = self.login().await?.catalog.clone();
        let purge = Purge { cloud: self, views, deadline: Instant::now() + timeout };
        let mut first = Vec::new();
        let mut chains: BTreeMap<Service, Vec<&Look>> = BTreeMap::new();
        for look in LOOKS.iter().filter(|it| catalog.endpoint(it.service, self.config()).is_ok()) {
            match look.service {
                // Stacks own all kinds of things, and servers hold on to volumes and ports.
                Service::Orchestration | Service::Compute => first.push(look),
                // Load balancers hold on to ports.
                Service::LoadBalancer | Service::Network => {
                    chains.entry(Service::Network).or_default().push(look);
                }
                other => chains.entry(other).or_default().push(look),
            }
        }
        let mut outcome = purge.chain(&first).await?;
        // Side by side, so that what is stuck in one service doesn't take the time of the others.
        for other in join_all(chains.values().map(|it| purge.chain(it))).await {
            outcome.add(other?);
        }
        let Outcome { done, left } = outcome;
        if left.is_empty() {
            return Ok(done);
        }
        Err(Error::Leftover(Box::new(LeftoverError {
            project_id: project_id.to_owned(),
            left,
            deleted: done.deleted,
        })))
    }
}

struct Purge<'a> {
    cloud: &'a Cloud,
    views: Views<'a>,
    deadline: Instant,
}

/// What came of it.
#[derive(Default)]
struct Outcome {
    done: Purged,
    /// One line for each thing that is left.
    left: Vec<String>,
}

impl Outcome {
    fn add(&mut self, other: Self) {
        self.done.deleted += other.done.deleted;
        self.left.extend(other.left);
        for unseen in other.done.unseen {
            if !self.done.unseen.iter().any(|it| it.service == unseen.service) {
                self.done.unseen.push(unseen);
            }
        }
    }
}

/// How far one thing is.
#[derive(Default)]
struct Progress {
    tries: usize,
    /// `None`: the deletion was accepted.
    refused: Option<Error>,
}

impl Progress {
    /// Whether it is to be tried, or tried again.
    fn is_due(&self) -> bool {
        self.tries == 0 || self.refused.as_ref().is_some_and(|why| self.tries < tries(why))
    }
}

impl Purge<'_> {
    /// Stage after stage.
    async fn chain(&self, looks: &[&Look]) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        for look in looks {
            outcome.add(self.stage(look).await?);
        }
        Ok(outcome)
    }

    /// Deletes all of one kind. Only a cancelled run is an error; everything else is noted.
    async fn stage(&self, look: &Look) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut progress: HashMap<String, Progress> = HashMap::new();
        let mut wait = SHORTEST;
        loop {
            let items = match look.find(&self.views).await {
                Ok(items) => items,
                Err(why) if why.is_cancelled() => return Err(why),
                Err(why) => {
                    let service = look.service.official().into();
                    outcome.done.unseen.push(Unseen { service, why: reason(&why), unasked: false });
                    return Ok(outcome);
                }
            };
            let mut items: Vec<Item> = items.into_iter().filter(|it| !steps::goes_by_itself(it)).collect();
            // Only an administrator can delete the group `default`. It needn't go: it bothers nobody.
            if let Some(at) = items.iter().position(is_default) {
                let item = items.swap_remove(at);
                if items.is_empty() {
                    match self.delete(&item).await {
                        Err(why) if why.is_cancelled() => return Err(why),
                        _ => {}
                    }
                }
            }
            for item in &items {
                let known = progress.entry(item.id.clone()).or_default();
                if !known.is_due() {
                    continue;
                }
                known.tries += 1;
                known.refused = match self.delete(item).await {
                    Ok(()) => None,
                    Err(why) if why.is_cancelled() => return Err(why),
                    Err(why) => Some(why),
                };
            }
            let is_there = |id: &String| items.iter().any(|it| it.id == *id);
            let waiting =
                progress.iter().any(|(id, it)| is_there(id) && (it.refused.is_none() || it.is_due()));
            if !waiting || Instant::now() >= self.deadline {
                outcome.done.deleted = progress.keys().filter(|id| !is_there(id)).count();
                for item in items {
                    let refused = progress.remove(&item.id).and_then(|it| it.refused);
                    let why =
                        refused.map_or("it was asked to go, and is still there".into(), |it| it.to_string());
                    outcome.left.push(format!("{}: {why}", item.holding()));
                }
                return Ok(outcome);
            }
            self.cloud.pause(wait, "purge the project").await?;
            wait = (wait * 2).min(LONGEST);
        }
    }

    async fn delete(&self, item: &Item) -> Result<()> {
        let Some(wide) = &self.views.wide else {
            let own = self.views.own().await?;
            return steps::delete(own.unwrap_or(self.cloud), &self.views, item).await;
        };
        match steps::delete(wide, &self.views, item).await {
            // An administrator isn't one everywhere; a member of the project may do what is the project's.
            Err(why) if why.is_forbidden() => match self.views.own().await? {
                Some(own) => steps::delete(own, &self.views, item).await,
                None => Err(why),
            },
            result => result,
        }
    }
}

/// Whether it is the security group that Neutron makes for each project.
fn is_default(item: &Item) -> bool {
    item.kind == "security group" && item.name == "default"
}

/// How often a deletion that was refused like this is tried: something may still be in use, or busy.
fn tries(why: &Error) -> usize {
    match why {
        Error::Status(it) => match it.status {
            400 | 409 | 500..=599 => TRIES,
            // About something else, such as a part of the service that doesn't run; or it is just gone, which
            // the next list tells.
            404 => 2,
            _ => 1,
        },
        Error::Timeout { .. } | Error::Broken { .. } | Error::Unreachable(_) => TRIES,
        _ => 1,
    }
}
