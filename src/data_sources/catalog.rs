//! `data.tenancy_catalog`: the services of the cloud, their endpoints and versions.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use url::Url;

use crate::openstack::Service;
use crate::openstack::catalog::Offer;
use crate::openstack::catalog::versions::Version;
use crate::resources::{Explain, Tenancy, check, diagnostic};
use crate::tf::{Computed, Context, DataSource, Model, Result, Severity, at};

/// The services that Keystone lists for the account, their endpoints and the versions of their APIs.
#[derive(Model)]
pub struct Catalog {
    /// Only services of these types, by their official type or an alias of it. A type that the cloud has not is left out.
    #[tf(check(check::not_empty_each))]
    pub types: Option<BTreeSet<String>>,
    /// Whether to ask the services for the versions of their APIs as well, which is a request for each.
    #[tf(default = false)]
    pub with_versions: bool,
    /// The services, by the type that the catalog lists them under.
    pub services: Computed<BTreeMap<String, CatalogService>>,
    /// The regions of the endpoints.
    pub regions: Computed<BTreeSet<String>>,
}

/// A service of the catalog.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct CatalogService {
    /// Keystone's id of the service.
    pub id: Computed<Option<String>>,
    /// Name of the service, such as `nova`.
    pub name: Computed<Option<String>>,
    /// The official type of the service: `block-storage` for what is listed as `volumev3`. Null for a service that is not
    /// known here.
    pub official_type: Computed<Option<String>>,
    /// The endpoint for the region and interface of the provider block. Null if there is none, or if it is in several
    /// regions and the provider block names none.
    pub url: Computed<Option<String>>,
    /// All endpoints.
    pub endpoints: Computed<Vec<CatalogEndpoint>>,
    /// The versions of the API, as the service tells them at that endpoint. Null without `with_versions`, for a service that
    /// is not known here, and where there is no endpoint or it does not answer. Some services have none to tell.
    pub versions: Computed<Option<Vec<ApiVersion>>>,
}

/// An endpoint of a service.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct CatalogEndpoint {
    /// Region of the endpoint.
    pub region: Computed<Option<String>>,
    /// `public`, `internal` or `admin`.
    pub interface: Computed<String>,
    /// Its URL, as the catalog has it.
    pub url: Computed<String>,
}

/// A version of an API.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct ApiVersion {
    /// Such as `v2.1`.
    pub id: Computed<String>,
    /// The service's word for it, such as `CURRENT`, `SUPPORTED`, `DEPRECATED` or `stable`.
    pub status: Computed<Option<String>>,
    /// The oldest microversion that it takes. Null if it has none.
    pub min_microversion: Computed<Option<String>>,
    /// The newest microversion that it takes. Null if it has none.
    pub max_microversion: Computed<Option<String>>,
}

impl DataSource for Catalog {
    const NAME: &'static str = "catalog";
    type Client = Tenancy;

    async fn read(config: Self, client: &Context<Tenancy>) -> Result<Self> {
        let catalog = client.catalog().await.explain("Cannot read the catalog")?;
        let mut offers: BTreeMap<String, Offer> = BTreeMap::new();
        // A type may be listed more than once: by another service of each region, for one.
        for offer in catalog.offers().into_iter().filter(|it| config.wants(it)) {
            match offers.entry(offer.kind.clone()) {
                Entry::Vacant(it) => drop(it.insert(offer)),
                Entry::Occupied(mut it) => it.get_mut().endpoints.extend(offer.endpoints),
            }
        }
        let regions: BTreeSet<String> =
            offers.values().flat_map(|it| &it.endpoints).filter_map(|(region, ..)| region.clone()).collect();
        let services = join_all(offers.into_iter().map(async |(kind, offer)| {
            let url = catalog.url_of(&kind, client.config());
            let versions = match &url {
                Some(url) if config.with_versions => versions(&offer, url, client).await,
                _ => None,
            };
            (kind, service(offer, url, versions))
        }));
        let services: BTreeMap<_, _> = services.await.into_iter().collect();
        Ok(Self { services: services.into(), regions: regions.into(), ..config })
    }
}

impl Catalog {
    /// Whether a service is asked for.
    fn wants(&self, offer: &Offer) -> bool {
        let Some(types) = &self.types else { return true };
        let is_meant = |it: &String| {
            *it == offer.kind || (offer.service.is_some() && Service::of_type(it) == offer.service)
        };
        types.iter().any(is_meant)
    }
}

fn service(offer: Offer, url: Option<Url>, versions: Option<Vec<ApiVersion>>) -> CatalogService {
    let Offer { kind: _, id, name, service, mut endpoints } = offer;
    endpoints.sort();
    let endpoint = |(region, interface, url): (Option<String>, String, String)| CatalogEndpoint {
        region: region.into(),
        interface: interface.into(),
        url: url.into(),
    };
    let endpoints: Vec<CatalogEndpoint> = endpoints.into_iter().map(endpoint).collect();
    CatalogService {
        id: id.into(),
        name: name.into(),
        official_type: service.map(|it| it.official().to_owned()).into(),
        url: url.map(String::from).into(),
        endpoints: endpoints.into(),
        versions: versions.into(),
    }
}

/// The versions that a service tells. One that does not answer is a warning.
async fn versions(offer: &Offer, url: &Url, client: &Context<Tenancy>) -> Option<Vec<ApiVersion>> {
    match client.versions(offer.service?, url).await {
        Ok(all) => Some(all.into_iter().map(ApiVersion::from).collect()),
        Err(why) => {
            let mut told = diagnostic(format!("Cannot read the versions of {}", offer.kind), why);
            told.severity = Severity::Warning;
            client.warn(told.at(at!(Catalog, with_versions)));
            None
        }
    }
}

impl From<Version> for ApiVersion {
    fn from(Version { id, status, microversions }: Version) -> Self {
        let (min, max) = microversions.map(|it| (it.min.to_string(), it.max.to_string())).unzip();
        ApiVersion {
            id: id.into(),
            status: status.into(),
            min_microversion: min.into(),
            max_microversion: max.into(),
        }
    }
}
