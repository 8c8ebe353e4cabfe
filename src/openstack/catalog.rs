//! Where the services are: the catalog that comes with a token, by official type, region and interface.

mod service;
pub(crate) mod versions;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use url::Url;

pub use service::Service;
pub(crate) use service::root;

use super::config::Config;
use super::error::{Error, NoServiceError, Result};

/// The catalog of one token.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    entries: Vec<Entry>,
}

/// A service of the catalog.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Entry {
    #[serde(default)]
    id: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

#[derive(Clone, Debug, Deserialize)]
struct Endpoint {
    #[serde(default)]
    interface: String,
    #[serde(default)]
    region_id: Option<String>,
    #[serde(default)]
    region: Option<String>,
    #[serde(default)]
    url: String,
}

impl Endpoint {
    fn region(&self) -> Option<&str> {
        self.region_id.as_deref().or(self.region.as_deref())
    }

    fn is_interface(&self, wanted: &str) -> bool {
        // The old API had publicURL, internalURL and adminURL.
        self.interface == wanted || self.interface.strip_suffix("URL") == Some(wanted)
    }
}

/// What the catalog offers of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The type as the catalog has it.
    pub kind: String,
    /// Keystone's id of the service.
    pub id: Option<String>,
    /// The service's name, such as `nova`.
    pub name: Option<String>,
    /// The service, if it is one we know.
    pub service: Option<Service>,
    /// Region, interface and URL of each endpoint.
    pub endpoints: Vec<(Option<String>, String, String)>,
}

impl Entry {
    /// The endpoint for the configured region and interface, or why there is none.
    fn chosen(&self, config: &Config) -> Result<&Endpoint, String> {
        let wanted = config.interface.as_str();
        let of_interface: Vec<&Endpoint> =
            self.endpoints.iter().filter(|it| it.is_interface(wanted)).collect();
        let Some(first) = of_interface.first() else { return Err(format!("it has no {wanted} interface")) };
        match &config.region {
            Some(region) => {
                let found = of_interface.iter().find(|it| it.region() == Some(region));
                found.copied().ok_or_else(|| format!("it is not in the region {region} ({wanted})"))
            }
            None => match of_interface.iter().all(|it| it.region() == first.region()) {
                true => Ok(first),
                false => Err("it is in several regions; choose one by `region`".into()),
            },
        }
    }
}

impl Catalog {
    pub(crate) fn new(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    /// Everything in it, in the catalog's order.
    pub fn offers(&self) -> Vec<Offer> {
        let offer = |entry: &Entry| Offer {
            kind: entry.kind.clone(),
            id: entry.id.clone(),
            name: entry.name.clone().filter(|it| !it.is_empty()),
            service: Service::of_type(&entry.kind),
            endpoints: entry
                .endpoints
                .iter()
                .map(|it| (it.region().map(str::to_owned), it.interface.clone(), it.url.clone()))
                .collect(),
        };
        self.entries.iter().map(offer).collect()
    }

    /// The URL of a service as the catalog has it. The configured endpoints come first.
    ///
    /// # Errors
    /// [`Error::NoService`], if there is none for the region and interface, or several regions and none chosen.
    pub fn endpoint(&self, service: Service, config: &Config) -> Result<Url> {
        if let Some(url) = config.endpoints.get(service.official()) {
            return Ok(url.clone());
        }
        let (_, chosen) = self.chosen(service, config)?;
        Url::parse(&chosen.url)
            .map_err(|why| self.none(service, config, format!("its URL `{}` is not one: {why}", chosen.url)))
    }

    /// The endpoint of what is listed under a type, for the configured region and interface. `None`: there is none, or
    /// nobody says which region.
    pub fn url_of(&self, kind: &str, config: &Config) -> Option<Url> {
        let configured = Service::of_type(kind).and_then(|it| config.endpoints.get(it.official()));
        configured.cloned().or_else(|| {
            let entries = self.entries.iter().filter(|it| it.kind == kind);
            Url::parse(&entries.filter_map(|it| it.chosen(config).ok()).next()?.url).ok()
        })
    }

    /// What Keystone calls a service and the region of its endpoint: both ids.
    ///
    /// # Errors
    /// As [`Catalog::endpoint`], but for a service that only the configuration names an endpoint of as well.
    pub(crate) fn place(&self, service: Service, config: &Config) -> Result<(String, Option<String>)> {
        let (entry, endpoint) = self.chosen(service, config)?;
        match &entry.id {
            Some(id) => Ok((id.clone(), endpoint.region().map(str::to_owned))),
            None => Err(self.none(service, config, "the catalog doesn't tell its id".into())),
        }
    }

    fn chosen(&self, service: Service, config: &Config) -> Result<(&Entry, &Endpoint)> {
        // A service may be listed under several types (`volumev2`, `volumev3`): the best type comes first.
        let entry = service
            .types()
            .iter()
            .find_map(|kind| self.entries.iter().find(|it| it.kind == *kind && !it.endpoints.is_empty()));
        let Some(entry) = entry else {
            return Err(self.none(service, config, "the catalog has no such type".into()));
        };
        let chosen = entry.chosen(config).map_err(|why| self.none(service, config, why))?;
        Ok((entry, chosen))
    }

    fn none(&self, service: Service, config: &Config, why: String) -> Error {
        let endpoints = || self.entries.iter().flat_map(|it| &it.endpoints);
        let sorted = |all: BTreeSet<&str>| all.into_iter().map(str::to_owned).collect();
        Error::NoService(Box::new(NoServiceError {
            service: service.official().into(),
            region: config.region.clone(),
            interface: config.interface.as_str().into(),
            why,
            only_this: self.lacks_only(service, config),
            types: sorted(self.entries.iter().map(|it| it.kind.as_str()).collect()),
            regions: sorted(endpoints().filter_map(Endpoint::region).collect()),
            interfaces: sorted(endpoints().map(|it| it.interface.as_str()).collect()),
        }))
    }

    /// Whether others are in our region with our interface, and this service is not in that region at all.
    fn lacks_only(&self, service: Service, config: &Config) -> bool {
        let here = |it: &&Endpoint| config.region.is_none() || it.region() == config.region.as_deref();
        let is_it = |it: &&Entry| service.types().contains(&it.kind.as_str());
        let mut all = self.entries.iter().flat_map(|it| &it.endpoints).filter(here);
        let mut its = self.entries.iter().filter(is_it).flat_map(|it| &it.endpoints).filter(here);
        !config.endpoints.contains_key(service.official())
            && its.next().is_none()
            && all.any(|it| it.is_interface(config.interface.as_str()))
    }

    /// The types that no service of ours goes by, with the first URL of each.
    pub fn unknown_types(&self) -> BTreeMap<String, String> {
        let unknown = self.entries.iter().filter(|it| Service::of_type(&it.kind).is_none());
        unknown
            .map(|it| (it.kind.clone(), it.endpoints.first().map(|it| it.url.clone()).unwrap_or_default()))
            .collect()
    }
}

#[cfg(test)]
mod tests;
