//! What a project still holds, across the services that the catalog names.
//!
//! Nobody sees everything. An administrator's token lists most services for any project; key manager and
//! orchestration only answer a token of the project itself; object storage wants a role of its own. So each
//! service is looked into with the token that can, and one that can't be looked into is told as [`Unseen`]:
//! it is never taken for empty.

pub(crate) mod look;

use std::collections::BTreeSet;
use std::fmt;

use futures_util::future::join_all;
use tokio::sync::OnceCell;

use super::catalog::Service;
use super::cloud::Cloud;
use super::collection::Listed;
use super::error::{Error, Result};
use super::identity::{ProjectFilter, Scope};
use look::{Item, LOOKS};

/// Something that a project holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holding {
    /// The service that has it, by official type.
    pub service: String,
    /// What it is: `server`, `volume`, `floating IP`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// Its name; empty if it has none.
    pub name: String,
}

impl fmt::Display for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_str() {
            "" => write!(f, "{} {}", self.kind, self.id),
            name => write!(f, "{} \"{name}\" ({})", self.kind, self.id),
        }
    }
}

/// A service that couldn't be looked into.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unseen {
    /// The service, by official type, or the catalog's type.
    pub service: String,
    /// Why not.
    pub why: String,
    /// Whether even an administrator has no way to ask: its API isn't known here, or it shows what it has to the
    /// project's own members only, as Barbican and Heat do.
    pub unasked: bool,
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.service, self.why)
    }
}

/// What was found, and what could not be looked into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// What the project holds. The security group `default` doesn't count: Neutron makes it by itself.
    pub holdings: Vec<Holding>,
    /// The services that couldn't be looked into.
    pub unseen: Vec<Unseen>,
}

impl Inventory {
    /// Whether nothing was found and everything was looked into.
    pub fn is_surely_empty(&self) -> bool {
        self.holdings.is_empty() && self.unseen.is_empty()
    }
}

/// Types that hold nothing of a project's, or nothing that outlives it in a way that matters.
const EMPTY: [&str; 6] = ["metering", "event", "cloudformation", "rating", "metric", "placement"];

/// The tokens to look with.
pub(crate) struct Views<'a> {
    cloud: &'a Cloud,
    /// The project that is looked at.
    pub project_id: &'a str,
    /// Ours, if it sees other projects.
    pub wide: Option<Cloud>,
    own: OnceCell<Option<Cloud>>,
}

impl<'a> Views<'a> {
    pub async fn of(cloud: &'a Cloud, project_id: &'a str) -> Result<Self> {
        let login = cloud.login().await?;
        // Most services don't refuse to list another project's things: they list nothing. Neutron does so even
        // to an administrator whose token is for the system, and Nova and Glance refuse that one.
        let is_admin =
            login.project_id.is_some() && login.roles.iter().any(|it| it.eq_ignore_ascii_case("admin"));
        Ok(Self { cloud, project_id, wide: is_admin.then(|| cloud.clone()), own: OnceCell::new() })
    }

    /// Ours, with a token for the project itself. None, if we have no role there, or the project is disabled.
    ///
    /// # Errors
    /// Those of a login, other than a refusal.
    pub async fn own(&self) -> Result<Option<&Cloud>> {
        Ok(self.own.get_or_try_init(|| self.enter()).await?.as_ref())
    }

    async fn enter(&self) -> Result<Option<Cloud>> {
        if self.cloud.login().await?.project_id.as_deref() == Some(self.project_id) {
            return Ok(Some(self.cloud.clone()));
        }
        let inside = self.cloud.visiting(Scope::Project(self.project_id.to_owned()));
        // A login costs Keystone more than anything else, a refused one too: one list tells of all projects where there is
        // no use in trying.
        let list = async |_| match self.cloud.projects().mine().await {
            Ok(all) => Ok(Listed::All(all.into_iter().map(|it| (it.id, ())).collect())),
            Err(why) if why.is_cancelled() => Err(why),
            Err(_) => Ok(Listed::Refused),
        };
        let key = self.project_id.to_owned();
        let may = self.cloud.shared.entrances.get(&key, list, async || admits(&inside).await).await?;
        // The list may be a minute old.
        let is_in = may.is_some() && admits(&inside).await?.is_some();
        Ok(is_in.then_some(inside))
    }
}

/// Whether a login of this scope is taken.
async fn admits(inside: &Cloud) -> Result<Option<()>> {
    match inside.login().await {
        Ok(_) => Ok(Some(())),
        Err(Error::Login(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

impl Cloud {
    /// Looks what a project holds, in all services at once.
    ///
    /// Works with an administrator's token for any project, and with any other for projects that the account
    /// has a role on.
    ///
    /// # Errors
    /// Those of a login, and of listing projects. A service's failure is no error but an [`Unseen`].
    pub async fn inventory(&self, project_id: &str) -> Result<Inventory> {
        let views = Views::of(self, project_id).await?;
        let catalog = self.login().await?.catalog.clone();
        let mut inventory = Inventory::default();

        let children = ProjectFilter { parent_id: Some(project_id.to_owned()), ..Default::default() };
        for child in self.projects().list(&children).await? {
            inventory.holdings.push(Holding {
                service: Service::Identity.official().into(),
                kind: "project",
                id: child.id,
                name: child.name,
            });
        }

        let offers = catalog.offers();
        let services: BTreeSet<Service> = offers.iter().filter_map(|it| it.service).collect();
        let looks = LOOKS.iter().filter(|it| services.contains(&it.service));
        let found = join_all(looks.map(|look| async {
            // A service that exists in other regions only is none of ours.
            if catalog.endpoint(look.service, self.config()).is_err() {
                return (look.service, Ok(Vec::new()));
            }
            (look.service, look.find(&views).await)
        }))
        .await;
        let mut items = Vec::new();
        for (service, result) in found {
            match result {
                Ok(some) => items.extend(some),
                Err(why) if why.is_cancelled() => return Err(why),
                Err(why) => {
                    let unasked = views.wide.is_some() && matches!(why, Error::Unseen { .. });
                    inventory.unseen(service.official(), look::reason(&why), unasked);
                }
            }
        }
        inventory.holdings.extend(without_attached(items).into_iter().map(Item::holding));

        for service in services {
            let looked = LOOKS.iter().any(|it| it.service == service) || service == Service::Identity;
            if !looked && !EMPTY.contains(&service.official()) {
                inventory.unseen(service.official(), "its API isn't known here".into(), true);
            }
        }
        for kind in catalog.unknown_types().into_keys() {
            if !EMPTY.contains(&kind.as_str()) {
                inventory.unseen(&kind, "this service isn't known here".into(), true);
            }
        }
        inventory.holdings.sort();
        inventory.unseen.sort();
        Ok(inventory)
    }
}

impl Inventory {
    fn unseen(&mut self, service: &str, why: String, unasked: bool) {
        // One reason per service is enough: its lists fail alike.
        if !self.unseen.iter().any(|it| it.service == service) {
            self.unseen.push(Unseen { service: service.to_owned(), why, unasked });
        }
    }
}

/// Drops the ports that go with something that is listed itself, and security groups that Neutron makes.
fn without_attached(items: Vec<Item>) -> Vec<Item> {
    let ids: BTreeSet<String> = items.iter().map(|it| it.id.clone()).collect();
    let text = |it: &Item, key: &str| it.raw[key].as_str().unwrap_or_default().to_owned();
    items
        .into_iter()
        .filter(|it| match it.kind {
            "port" => {
                let device = text(it, "device_id");
                // Octavia writes `lb-<id>`.
                let owner = device.strip_prefix("lb-").unwrap_or(&device);
                !ids.contains(owner) && text(it, "device_owner") != "network:dhcp"
            }
            "security group" => it.name != "default",
            _ => true,
        })
        .collect()
}
