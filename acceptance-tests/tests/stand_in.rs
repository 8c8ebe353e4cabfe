//! A stand-in for terraform-provider-openstack, for states that it wrote: a host does not touch such a state without the
//! provider that it names. It knows the types, keeps what is in the state, and changes nothing.
//!
//! The test program itself is the plugin, when a host starts it.

use std::process::ExitCode;

use tenancy::tf::plugin::{self, Options};
use tenancy::tf::{
    Client, Context, Diagnostic, Diagnostics, DynDataSource, DynEphemeral, DynFunction, DynResource, Erased,
    Failure, Model, Outcome, Provider, Resource, Result, Server,
};
use tokio_util::sync::CancellationToken;

/// Namespace and name.
pub const SOURCE: &str = "terraform-provider-openstack/openstack";

/// Serves the stand-in, if a host started this process.
pub fn serve() -> Option<ExitCode> {
    std::env::var_os(plugin::COOKIE_NAME)?;
    let options = Options::new("registry.terraform.io/terraform-provider-openstack/openstack", "3.4.0");
    let ending = options.ending.clone();
    Some(plugin::main(std::iter::empty(), options, || Server::<StandIn>::new(ending)))
}

/// The derive writes `crate::tf`.
pub mod tf {
    pub use tenancy::tf::*;
}

/// A provider block of which nothing counts.
#[derive(Model)]
struct Block {
    /// An entry of clouds.yaml.
    #[allow(dead_code, reason = "nobody is asked")]
    cloud: Option<String>,
}

#[derive(Clone)]
struct Nobody;

impl Client for Nobody {
    fn cancelled_by(&self, _: CancellationToken) -> Self {
        Nobody
    }
}

fn only_a_stand_in() -> Diagnostics {
    Diagnostic::error("The stand-in was asked to change something").into()
}

struct StandIn;

macro_rules! types {
    ($($name:ident = $text:literal),+ $(,)?) => {
        $(
            /// Something that only the real provider knows.
            #[derive(Clone, Debug, Model)]
            struct $name {
                /// Id.
                id: Option<String>,
            }

            impl Resource for $name {
                const NAME: &'static str = $text;
                type Client = Nobody;
                type Id = String;

                fn id(&self) -> Option<String> {
                    self.id.clone()
                }

                async fn create(_: Self, _: &Context<Nobody>) -> Outcome<Self> {
                    Err(Failure::from(only_a_stand_in()))
                }

                async fn read(_: String, last: Option<Self>, _: &Context<Nobody>) -> Result<Option<Self>> {
                    Ok(last)
                }

                async fn update(_: Self, _: Self, _: &Context<Nobody>) -> Outcome<Self> {
                    Err(Failure::from(only_a_stand_in()))
                }

                async fn delete(_: Self, _: &Context<Nobody>) -> Result<()> {
                    Err(only_a_stand_in())
                }
            }
        )+

        impl Provider for StandIn {
            const NAME: &'static str = "openstack";
            type Config = Block;
            type Client = Nobody;

            async fn configure(_: Block, _: &str) -> Result<(Nobody, Diagnostics)> {
                Ok((Nobody, Diagnostics::default()))
            }

            fn resources() -> Vec<Box<dyn DynResource<Nobody>>> {
                vec![$(Box::new(Erased::<$name>::default())),+]
            }

            fn data_sources() -> Vec<Box<dyn DynDataSource<Nobody>>> {
                Vec::new()
            }

            fn ephemerals() -> Vec<Box<dyn DynEphemeral<Nobody>>> {
                Vec::new()
            }

            fn functions() -> Vec<Box<dyn DynFunction>> {
                Vec::new()
            }
        }
    };
}

types! {
    IdentityProject = "identity_project_v3",
    IdentityGroup = "identity_group_v3",
    IdentityUser = "identity_user_v3",
    IdentityUserMembership = "identity_user_membership_v3",
    IdentityRoleAssignment = "identity_role_assignment_v3",
    IdentityRole = "identity_role_v3",
    ComputeQuotaset = "compute_quotaset_v2",
    BlockstorageQuotaset = "blockstorage_quotaset_v3",
    NetworkingQuota = "networking_quota_v2",
    LbQuota = "lb_quota_v2",
}
