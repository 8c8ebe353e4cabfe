//! All by which one user may do something, whoever gave it.

use futures_util::try_join;
use serde::Deserialize;

use super::{Actor, Grant, Group, Kind, USERS, all_at_once};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::error::Result;

/// What a user may do something by, besides a password and identities at identity providers.
#[derive(Clone, Debug)]
pub struct Access {
    /// Roles of the user's own, direct and inherited ones.
    pub grants: Vec<Grant>,
    /// The groups that the user is in, also for a while only.
    pub groups: Vec<Group>,
    /// Application credentials.
    pub application_credentials: Vec<Named>,
    /// Ids of credentials for the API of EC2 and S3.
    pub ec2_credentials: Vec<String>,
    /// Ids of trusts that the user gave or got.
    pub trusts: Vec<String>,
}

/// Something with a name.
#[derive(Clone, Debug, Deserialize)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

const CREDENTIALS: Kind =
    Kind { one: "credential", many: "credentials", path: "/credentials/{id}", list: "/credentials" };
const TRUSTS: Kind =
    Kind { one: "trust", many: "trusts", path: "/OS-TRUST/trusts/{id}", list: "/OS-TRUST/trusts" };

impl Cloud {
    /// All by which a user may do something.
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::openstack::Error::Unknown) if there is no such user; 403 for an account that is no administrator's; those of any call.
    pub async fn access_of(&self, user_id: &str) -> Result<Access> {
        let actor = Actor::User(user_id.to_owned());
        let of_user = |path: &'static str, what: &str| {
            Call::get(Service::Identity, path).id(user_id).doing(format!("list the {what} of user {user_id}"))
        };
        let grants = self.grants();
        let known = async {
            USERS.read::<Id>(self, user_id).await?.ok_or_else(|| super::unknown("user", user_id, None))
        };
        let groups = all_at_once(self, of_user("/users/{id}/groups", "groups"), "groups");
        let credentials = of_user("/users/{id}/application_credentials", "application credentials");
        let credentials = all_at_once(self, credentials, "application_credentials");
        let ec2 = Call::get(Service::Identity, CREDENTIALS.list)
            .query("user_id", user_id)
            .query("type", "ec2")
            .doing(format!("list the EC2 credentials of user {user_id}"));
        let (_, grants, groups, application_credentials, ec2, given, got) = try_join!(
            known,
            grants.of_actor(&actor),
            groups,
            credentials,
            all_at_once::<Id>(self, ec2, CREDENTIALS.many),
            self.trusts("trustor_user_id", user_id),
            self.trusts("trustee_user_id", user_id),
        )?;
        let mut trusts = given;
        trusts.extend(got);
        trusts.sort();
        trusts.dedup();
        let ec2_credentials = ec2.into_iter().map(|it| it.id).collect();
        Ok(Access { grants, groups, application_credentials, ec2_credentials, trusts })
    }

    async fn trusts(&self, side: &'static str, user_id: &str) -> Result<Vec<String>> {
        let call = Call::get(Service::Identity, TRUSTS.list)
            .query(side, user_id)
            .doing(format!("list the trusts of user {user_id}"));
        let all: Vec<Id> = all_at_once(self, call, TRUSTS.many).await?;
        Ok(all.into_iter().map(|it| it.id).collect())
    }

    /// Deletes a credential. That it was gone already is fine.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn delete_credential(&self, id: &str) -> Result<()> {
        CREDENTIALS.delete(self, id).await
    }

    /// Deletes a trust. That it was gone already is fine.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn delete_trust(&self, id: &str) -> Result<()> {
        TRUSTS.delete(self, id).await
    }
}
