//! The provider block, what it is configured into, and the list of everything on offer.

mod account;

pub use account::Account;

use crate::actions::purge_project::PurgeProject;
use crate::actions::revoke_user::RevokeUser;
use crate::data_sources;
use crate::ephemeral;
use crate::functions::stored_unique_id::StoredUniqueId;
use crate::functions::tenant_name::TenantName;
use crate::list_resources;
use crate::openstack::quota::NovaQuotaDriver;
use crate::resources::federated_user::FederatedUser;
use crate::resources::federation_mapping::FederationMapping;
use crate::resources::federation_protocol::FederationProtocol;
use crate::resources::identity_provider::IdentityProvider;
use crate::resources::project_group_binding::{MissingMembers, ProjectGroupBinding};
use crate::resources::quota_defaults::QuotaDefaults;
use crate::resources::quota_set::QuotaSet;
use crate::resources::tenant_project::TenantProject;
use crate::resources::workspace::Workspace;
use crate::resources::workspace_domain::WorkspaceDomain;
use crate::resources::{Defaults, Federation, Tenancy};
use crate::tf::{
    Diagnostics, DynAction, DynDataSource, DynEphemeral, DynFunction, DynListed, DynResource, Erased,
    ErasedAction, ErasedData, ErasedEphemeral, ErasedFunction, ErasedListed, Fields, Mismatch, Model, Path,
    Provider, Result, Schema, Value, at, choice,
};

/// The provider block.
pub struct Config {
    /// Who logs in where.
    pub account: Account,
    /// What resources share.
    pub shared: Shared,
}

/// What resources share.
#[derive(Model)]
pub struct Shared {
    /// Id of the domain in which the members of groups are looked up, and federated users made. By default the default
    /// domain.
    pub users_domain_id: Option<String>,
    /// What a binding does about a member that Keystone does not know: `skip` (the default) remarks on it and adds it
    /// once it is known, `create` makes the user, who then logs in through `federation`, `fail` refuses.
    pub missing_users: Option<MissingMembers>,
    /// Identity provider and protocol of the users that a binding makes. Needed for `missing_users = "create"`.
    pub federation: Option<Federation>,
    /// Which of its quota drivers Nova runs: `db`, where Nova keeps the limits itself, `unified`, where Keystone does, or
    /// `auto` (the default), which finds out. Nova itself does not tell.
    pub nova_quota_driver: Option<QuotaDriver>,
    /// Another account, used only to read metered usage: a reader in every project, say, while the provider's own
    /// account may do more. It takes the attributes of the provider block that say who logs in where. Variables of the
    /// environment are not taken for it. Without `cloud` and `auth_url` it is an account of the same cloud, and is
    /// reached in the same way.
    pub metering: Option<Account>,
}

choice! {
    /// Which of its quota drivers Nova runs.
    pub enum QuotaDriver {
        /// Find out.
        Auto = "auto",
        /// Nova keeps the limits.
        Db = "db",
        /// Keystone keeps the limits.
        Unified = "unified",
    }
}

impl From<QuotaDriver> for NovaQuotaDriver {
    fn from(it: QuotaDriver) -> Self {
        match it {
            QuotaDriver::Auto => NovaQuotaDriver::Auto,
            QuotaDriver::Db => NovaQuotaDriver::Db,
            QuotaDriver::Unified => NovaQuotaDriver::Unified,
        }
    }
}

impl Model for Config {
    fn schema() -> Schema {
        Schema::new(ABOUT).with(Account::schema()).with(Shared::schema())
    }

    fn decode(fields: Fields) -> std::result::Result<Self, Mismatch> {
        let (account, shared) = fields.split(Account::schema().fields.len());
        Ok(Config { account: Account::decode(account)?, shared: Shared::decode(shared)? })
    }

    fn encode(self) -> Vec<Value> {
        [self.account.encode(), self.shared.encode()].concat()
    }
}

/// What users read first.
const ABOUT: &str = "\
Tenancy as code on OpenStack: workspaces (Keystone domains), tenants (projects), groups bound to roles.

Only Keystone's URL and a credential are needed; every other service is found in Keystone's catalog. They can
come from an entry of `clouds.yaml`, from attributes here, and from the usual `OS_*` variables. What is
written here wins over the entry, and the entry wins over the environment. Settings that belong together (user
and domain; project, domain or system scope; the credential) are taken from one source as a whole.";

/// The provider `tenancy`.
pub struct TenancyProvider;

impl Provider for TenancyProvider {
    const NAME: &'static str = "tenancy";
    type Config = Config;
    type Client = Tenancy;

    async fn configure(config: Config, host: &str) -> Result<(Tenancy, Diagnostics)> {
        tracing::debug!(host, "configuring");
        let Config { account, shared } = config;
        let Shared { users_domain_id, missing_users, federation, nova_quota_driver, metering } = shared;
        let mut warnings = Diagnostics::default();
        // Here, where the credentials are, and not in the first resource that needs them.
        let cloud = account.log_in(None, &Path::root(), &mut warnings).await?;
        let metering = match metering {
            Some(it) => Some(it.log_in(Some(&cloud), &at!(Shared, metering).into(), &mut warnings).await?),
            None => None,
        };
        let defaults = Defaults {
            users_domain_id,
            missing_users: missing_users.unwrap_or_default(),
            federation,
            nova_quota_driver: nova_quota_driver.map(Into::into).unwrap_or_default(),
        };
        let mut tenancy = Tenancy::new(cloud, defaults);
        tenancy.metering = metering;
        Ok((tenancy, warnings))
    }

    fn resources() -> Vec<Box<dyn DynResource<Tenancy>>> {
        vec![
            Box::new(Erased::<Workspace>::default()),
            Box::new(Erased::<WorkspaceDomain>::default()),
            Box::new(Erased::<TenantProject>::default()),
            Box::new(Erased::<ProjectGroupBinding>::default()),
            Box::new(Erased::<FederatedUser>::default()),
            Box::new(Erased::<IdentityProvider>::default()),
            Box::new(Erased::<FederationMapping>::default()),
            Box::new(Erased::<FederationProtocol>::default()),
            Box::new(Erased::<QuotaSet>::default()),
            Box::new(Erased::<QuotaDefaults>::default()),
        ]
    }

    fn data_sources() -> Vec<Box<dyn DynDataSource<Tenancy>>> {
        vec![
            Box::new(ErasedData::<data_sources::catalog::Catalog>::default()),
            Box::new(ErasedData::<data_sources::domain::Domain>::default()),
            Box::new(ErasedData::<data_sources::metered_usage::MeteredUsage>::default()),
            Box::new(ErasedData::<data_sources::project::Project>::default()),
            Box::new(ErasedData::<data_sources::projects::Projects>::default()),
            Box::new(ErasedData::<data_sources::role::Role>::default()),
            Box::new(ErasedData::<data_sources::user::User>::default()),
            Box::new(ErasedData::<data_sources::group::Group>::default()),
            Box::new(ErasedData::<data_sources::quota_usage::QuotaUsage>::default()),
        ]
    }

    fn ephemerals() -> Vec<Box<dyn DynEphemeral<Tenancy>>> {
        vec![
            Box::new(ErasedEphemeral::<ephemeral::token::Token>::default()),
            Box::new(ErasedEphemeral::<ephemeral::application_credential::ApplicationCredential>::default()),
        ]
    }

    fn functions() -> Vec<Box<dyn DynFunction>> {
        vec![
            Box::new(ErasedFunction::<StoredUniqueId>::default()),
            Box::new(ErasedFunction::<TenantName>::default()),
        ]
    }

    fn lists() -> Vec<Box<dyn DynListed<Tenancy>>> {
        use list_resources::*;
        vec![
            Box::new(ErasedListed::<workspace::Workspaces>::default()),
            Box::new(ErasedListed::<workspace_domain::WorkspaceDomains>::default()),
            Box::new(ErasedListed::<tenant_project::TenantProjects>::default()),
            Box::new(ErasedListed::<project_group_binding::ProjectGroupBindings>::default()),
            Box::new(ErasedListed::<federated_user::FederatedUsers>::default()),
            Box::new(ErasedListed::<identity_provider::IdentityProviders>::default()),
            Box::new(ErasedListed::<federation_mapping::FederationMappings>::default()),
            Box::new(ErasedListed::<federation_protocol::FederationProtocols>::default()),
            Box::new(ErasedListed::<quota_set::QuotaSets>::default()),
            Box::new(ErasedListed::<quota_defaults::AllQuotaDefaults>::default()),
        ]
    }

    fn actions() -> Vec<Box<dyn DynAction<Tenancy>>> {
        vec![
            Box::new(ErasedAction::<PurgeProject>::default()),
            Box::new(ErasedAction::<RevokeUser>::default()),
        ]
    }
}
