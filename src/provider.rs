//! The provider block, what it is configured into, and the list of everything on offer.

mod account;

pub use account::Account;

use crate::data_sources;
use crate::resources::Tenancy;
use crate::resources::project_group_binding::{MissingMembers, ProjectGroupBinding};
use crate::resources::tenant_project::TenantProject;
use crate::resources::workspace_domain::WorkspaceDomain;
use crate::tf::{
    Diagnostics, DynDataSource, DynResource, Erased, ErasedData, Fields, Mismatch, Model, Path, Provider,
    Result, Schema, Value, at,
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
    /// Id of the domain in which the members of groups are looked up. By default the default domain.
    pub users_domain_id: Option<String>,
    /// What a binding does about a member that Keystone does not know: `skip` (the default) remarks on it and adds it
    /// once it is known, `fail` refuses.
    pub missing_users: Option<MissingMembers>,
    /// Another account, used only to read metered usage: a reader in every project, say, while the provider's own
    /// account may do more. It takes the attributes of the provider block that say who logs in where. Variables of the
    /// environment are not taken for it. Without `cloud` and `auth_url` it is an account of the same cloud, and is
    /// reached in the same way.
    pub metering: Option<Account>,
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
        let Config { account, shared: Shared { users_domain_id, missing_users, metering } } = config;
        let mut warnings = Diagnostics::default();
        // Here, where the credentials are, and not in the first resource that needs them.
        let cloud = account.log_in(None, &Path::root(), &mut warnings).await?;
        let metering = match metering {
            Some(it) => Some(it.log_in(Some(&cloud), &at!(Shared, metering).into(), &mut warnings).await?),
            None => None,
        };
        let mut tenancy = Tenancy::new(cloud, users_domain_id, missing_users.unwrap_or_default());
        tenancy.metering = metering;
        Ok((tenancy, warnings))
    }

    fn resources() -> Vec<Box<dyn DynResource<Tenancy>>> {
        vec![
            Box::new(Erased::<WorkspaceDomain>::default()),
            Box::new(Erased::<TenantProject>::default()),
            Box::new(Erased::<ProjectGroupBinding>::default()),
        ]
    }

    fn data_sources() -> Vec<Box<dyn DynDataSource<Tenancy>>> {
        vec![
            Box::new(ErasedData::<data_sources::domain::Domain>::default()),
            Box::new(ErasedData::<data_sources::metered_usage::MeteredUsage>::default()),
            Box::new(ErasedData::<data_sources::project::Project>::default()),
            Box::new(ErasedData::<data_sources::role::Role>::default()),
        ]
    }
}
