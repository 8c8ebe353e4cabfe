//! Where Terraform and OpenStack meet: one file per thing that a user can write.

pub mod check;
pub mod federated_user;
pub mod federation_mapping;
pub mod federation_protocol;
pub(crate) mod holdings;
pub mod identity_provider;
pub mod lent;
pub mod project_group_binding;
pub mod quota_defaults;
pub mod quota_set;
pub mod quotas;
pub mod tenant_project;
pub mod workspace;
pub mod workspace_domain;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::openstack::config::DomainRef;
use crate::openstack::error::UnknownError;
use crate::openstack::identity::{Domain, Group, Project, ProjectFilter, User};
use crate::openstack::quota::{NovaQuotaDriver, QuotaService, Quotas};
use crate::openstack::{Cloud, Error};
use crate::tf::{Client, Diagnostic, Diagnostics, Model, Path, Result};
use lent::Lent;
use project_group_binding::MissingMembers;

/// The provider whose objects can be moved here: its address in any registry.
pub const OPENSTACK: &str = "terraform-provider-openstack/openstack";

/// What the provider block is configured into: a cloud, and the defaults that resources share.
#[derive(Clone)]
pub struct Tenancy {
    /// The cloud.
    pub cloud: Cloud,
    /// As another account sees it that is only to read metered usage. `None`: `cloud` does.
    pub metering: Option<Cloud>,
    /// What resources go by that say nothing themselves.
    pub defaults: Defaults,
    /// Ids of what a destroy plan has seen go, so that what holds them does not count them any more.
    leaving: Arc<Mutex<BTreeSet<String>>>,
    /// What was found to exist, so that a plan asks for each once; and what the plan itself makes by a known id.
    existing: Arc<Mutex<BTreeSet<String>>>,
    /// Id of the default domain, if that is known by its name.
    default_domain: Arc<OnceCell<String>>,
    /// Tokens that are needed until what was made with them is gone.
    pub lent: Lent,
}

/// How users log in whom a binding makes.
#[derive(Clone, Debug, PartialEq, Model)]
pub struct Federation {
    /// Keystone's id of the identity provider.
    #[tf(check(check::not_empty))]
    pub identity_provider: String,
    /// Keystone's id of the protocol.
    #[tf(check(check::not_empty))]
    pub protocol: String,
}

/// The defaults that a provider block sets for resources.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// Where the members of groups are looked up. `None`: in the default domain.
    pub users_domain_id: Option<String>,
    /// What a binding does about a member that Keystone does not know.
    pub missing_users: MissingMembers,
    /// How users log in whom a binding makes.
    pub federation: Option<Federation>,
    /// Which of its quota drivers Nova runs.
    pub nova_quota_driver: NovaQuotaDriver,
}

/// Something that a configuration refers to by id.
#[derive(Clone, Copy, Debug)]
pub enum Existing<'a> {
    /// A domain.
    Domain(&'a str),
    /// A project.
    Project(&'a str),
    /// A group.
    Group(&'a str),
    /// An identity provider.
    IdentityProvider(&'a str),
    /// A mapping.
    Mapping(&'a str),
    /// A limit that a service has, by the service's own key.
    Limit(QuotaService, &'a str),
}

impl fmt::Display for Existing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Existing::Domain(id) => write!(f, "domain {id}"),
            Existing::Project(id) => write!(f, "project {id}"),
            Existing::Group(id) => write!(f, "group {id}"),
            Existing::IdentityProvider(id) => write!(f, "identity provider \"{id}\""),
            Existing::Mapping(id) => write!(f, "mapping \"{id}\""),
            Existing::Limit(service, key) => write!(f, "limit \"{key}\" of {service}"),
        }
    }
}

impl Client for Tenancy {
    fn cancelled_by(&self, token: CancellationToken) -> Self {
        Tenancy {
            cloud: self.cloud.cancelled_by(token.clone()),
            metering: self.metering.as_ref().map(|it| it.cancelled_by(token)),
            ..self.clone()
        }
    }
}

impl Deref for Tenancy {
    type Target = Cloud;

    fn deref(&self) -> &Cloud {
        &self.cloud
    }
}

impl Tenancy {
    /// A cloud with the defaults of a provider block.
    pub fn new(cloud: Cloud, defaults: Defaults) -> Self {
        let (leaving, existing, default_domain, lent) = Default::default();
        Tenancy { cloud, metering: None, defaults, leaving, existing, default_domain, lent }
    }

    /// The account that reads metered usage.
    pub fn meter(&self) -> &Cloud {
        self.metering.as_ref().unwrap_or(&self.cloud)
    }

    /// What projects may use.
    pub fn quotas(&self) -> Quotas<'_> {
        self.cloud.quotas(self.defaults.nova_quota_driver)
    }

    /// The services with limits that the cloud has.
    pub async fn quota_services(&self) -> Result<Vec<QuotaService>> {
        let mut services = Vec::new();
        for service in QuotaService::ALL {
            let there = self.has_service(service.service().official()).await;
            if there.explain("Cannot see which services the cloud has")? {
                services.push(service);
            }
        }
        Ok(services)
    }

    /// Notes that an object goes with the plan that is being made.
    pub fn note_leaving(&self, id: &str) {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
    }

    /// Whether an object goes with the plan that is being made.
    pub fn is_leaving(&self, id: &str) -> bool {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    /// Notes that the plan that is being made makes this.
    pub fn note_coming(&self, what: Existing<'_>) {
        self.existing.lock().unwrap_or_else(PoisonError::into_inner).insert(what.to_string());
    }

    /// Whether the plan that is being made makes this, or it was found before.
    pub fn is_coming(&self, what: Existing<'_>) -> bool {
        self.existing.lock().unwrap_or_else(PoisonError::into_inner).contains(&what.to_string())
    }

    /// Whether something is there, or comes with the plan that is being made. What may not be looked up is taken to be
    /// there: the apply tells.
    pub async fn exists(&self, what: Existing<'_>) -> bool {
        if self.is_coming(what) {
            return true;
        }
        let found = match what {
            Existing::Domain(id) => self.domains().get_opt(id).await.map(|it| it.is_some()),
            Existing::Project(id) => self.projects().get_opt(id).await.map(|it| it.is_some()),
            Existing::Group(id) => self.groups().get_opt(id).await.map(|it| it.is_some()),
            Existing::IdentityProvider(id) => {
                self.identity_providers().get_opt(id).await.map(|it| it.is_some())
            }
            Existing::Mapping(id) => self.mappings().get_opt(id).await.map(|it| it.is_some()),
            Existing::Limit(service, key) => {
                self.quotas().known_keys(service).await.map(|it| it.contains(key))
            }
        };
        if matches!(found, Ok(true)) {
            self.note_coming(what);
        }
        found.unwrap_or(true)
    }

    /// Refuses a plan whose apply would need something that is not there.
    pub async fn must_exist(&self, what: Existing<'_>, at: impl Into<Path>) -> Result<()> {
        if self.exists(what).await {
            return Ok(());
        }
        Err(Diagnostic::error(format!("There is no {what}"))
            .detail("Keystone knows none with this id. Expected an id, not a name.")
            .at(at)
            .into())
    }

    /// Id of the domain for whatever names no domain.
    pub async fn default_domain_id(&self) -> Result<String, Error> {
        match &self.config().default_domain {
            DomainRef::Id(id) => Ok(id.clone()),
            DomainRef::Name(name) => {
                let id = async || Ok(self.domain(name).await?.id);
                self.default_domain.get_or_try_init(id).await.cloned()
            }
        }
    }

    /// A domain by name, or else by id.
    pub async fn domain(&self, text: &str) -> Result<Domain, Error> {
        match self.domains().find(text).await? {
            Some(domain) => Ok(domain),
            None => self.domains().get(text).await,
        }
    }

    /// A domain by name.
    pub async fn domain_named(&self, name: &str) -> Result<Domain, Error> {
        let found = self.domains().find(name).await?;
        let unknown =
            || UnknownError { kind: "domain", name: name.to_owned(), within: None, near: Vec::new() };
        found.ok_or_else(|| Error::Unknown(Box::new(unknown())))
    }

    /// A project by its name in a domain.
    pub async fn project_named(&self, name: &str, domain: &Domain) -> Result<Project, Error> {
        self.projects().find(&domain.id, name).await?.ok_or_else(|| unknown("project", name, domain))
    }

    /// The projects that match, and whose name starts like this.
    pub async fn projects_like(
        &self,
        filter: &ProjectFilter,
        prefix: Option<&String>,
    ) -> Result<Vec<Project>> {
        let mut all = self.projects().list(filter).await.explain("Cannot list the projects")?;
        all.retain(|it| is_named(&it.name, filter.name.as_ref(), prefix));
        Ok(all)
    }

    /// A group by its name in a domain.
    pub async fn group_named(&self, name: &str, domain: &Domain) -> Result<Group, Error> {
        self.groups().must_find(domain, name).await
    }

    /// A user by its name in a domain.
    pub async fn user_named(&self, name: &str, domain: &Domain) -> Result<User, Error> {
        self.users().must_find(domain, name).await
    }

    /// Id of the domain in which members are looked up.
    pub async fn users_domain_id(&self) -> Result<String, Error> {
        match &self.defaults.users_domain_id {
            Some(id) => Ok(id.clone()),
            None => self.default_domain_id().await,
        }
    }
}

/// Filters by name that not every Keystone applies.
pub fn is_named(found: &str, name: Option<&String>, prefix: Option<&String>) -> bool {
    name.is_none_or(|name| name == found) && prefix.is_none_or(|prefix| found.starts_with(prefix.as_str()))
}

fn unknown(kind: &'static str, name: &str, domain: &Domain) -> Error {
    let within = Some(format!("domain \"{}\"", domain.name));
    Error::Unknown(Box::new(UnknownError { kind, name: name.to_owned(), within, near: Vec::new() }))
}

/// An error of the cloud's as Terraform shows it.
pub fn diagnostic(summary: impl Into<String>, error: Error) -> Diagnostic {
    let mut detail = capitalized(&error.to_string());
    if !detail.ends_with('.') {
        detail.push('.');
    }
    if let Some(advice) = advice(&error) {
        detail.push_str("\n\n");
        detail.push_str(advice);
    }
    Diagnostic::error(summary).detail(detail)
}

/// What to do, where the error itself does not say it.
fn advice(error: &Error) -> Option<&'static str> {
    match error {
        Error::Status(it) if it.status == 403 => Some(
            "The account lacks a role for this, or the object is immutable or in use. \
             The cloud's administrator can tell by the request id.",
        ),
        Error::Status(it) if it.status >= 500 => {
            Some("This is a failure of the service. Apply again once it is well.")
        }
        Error::Login(_) => Some(
            "Check user, domain, project and secret: `openstack token issue` with the same settings tells the same.",
        ),
        _ => None,
    }
}

/// The same text as a sentence starts.
pub fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

impl From<Error> for Diagnostics {
    fn from(error: Error) -> Self {
        diagnostic("OpenStack call failed", error).into()
    }
}

/// The remark on an object that was taken over. See [`Made`](crate::openstack::identity::Made).
pub fn taken_over(kind: &str, name: &str, id: &str) -> Diagnostic {
    Diagnostic::warning(format!("The {kind} \"{name}\" is taken over from an interrupted apply")).detail(format!(
        "It exists already ({id}), made less than an hour ago from this very configuration by an apply that did not end, \
         and is now in this state. If another state has it, remove it from this one with `terraform state rm`."
    ))
}

/// How [`refused`] begins its advice.
const TO_MANAGE: &str = "\n\nTo manage the existing ";

/// Takes the advice to import an object out of a refusal, where a part of another resource was to become it. Gives the id
/// that the advice has.
pub fn take_import_advice(told: &mut Diagnostic) -> Option<String> {
    let advice = told.detail.split_off(told.detail.find(TO_MANAGE)?);
    Some(advice.split_once("id = \"")?.1.split_once('"')?.0.to_owned())
}

/// A refusal of an object that Terraform was to make or rename. `name` is where its name is written, `resource` the
/// type that an existing one would be imported to.
pub fn refused(kind: &str, resource: &str, error: Error, name: impl Into<Path>) -> Diagnostic {
    let Error::Conflict(conflict) = &error else {
        return diagnostic(format!("Keystone refused the {kind}"), error);
    };
    let import = conflict.holder_id.as_ref().map(|id| {
        format!("{TO_MANAGE}{kind} here:\n\nimport {{\n  to = {resource}.example\n  id = \"{id}\"\n}}")
    });
    let summary = format!("The {} \"{}\" is taken", conflict.what, conflict.name);
    let mut told = diagnostic(summary, error.clone()).at(name);
    told.detail.push_str(&import.unwrap_or_default());
    told
}

/// Exactly one of two attributes must be set.
pub fn one_of(one: bool, other: bool, name: &'static str, others: &'static str) -> Result<()> {
    if one != other {
        return Ok(());
    }
    Err(Diagnostic::error(format!("One of {name} and {others} is needed"))
        .detail(format!("Set exactly one of `{name}` and `{others}`."))
        .at(Path::root().attribute(name))
        .into())
}

/// Says what a user was after when a call failed, and which attribute asked for it.
pub trait Explain<T> {
    /// With this summary.
    fn explain(self, summary: &str) -> Result<T>;
    /// With this summary, at an attribute.
    fn explain_at(self, summary: &str, path: impl Into<Path>) -> Result<T>;
}

impl<T> Explain<T> for Result<T, Error> {
    fn explain(self, summary: &str) -> Result<T> {
        self.map_err(|error| diagnostic(summary, error).into())
    }

    fn explain_at(self, summary: &str, path: impl Into<Path>) -> Result<T> {
        self.map_err(|error| diagnostic(summary, error).at(path).into())
    }
}
