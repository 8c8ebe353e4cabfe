//! Application credentials: a part of what a user may do in one project, with a secret of its own.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::{Kind, absent};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::error::Result;

const KIND: Kind = Kind {
    one: "application_credential",
    many: "application_credentials",
    path: "/users/{user_id}/application_credentials/{id}",
    list: "/users/{user_id}/application_credentials",
};

/// An application credential as Keystone returns it when it is made, and never again: with its secret.
#[derive(Clone, Debug, Deserialize)]
pub struct ApplicationCredential {
    /// Its id.
    pub id: String,
    /// Its name, unique for its user.
    pub name: String,
    /// Its secret.
    #[serde(deserialize_with = "secret")]
    pub secret: SecretString,
    /// Id of the project that it is for.
    pub project_id: String,
    /// The roles that it carries.
    pub roles: Vec<CarriedRole>,
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    String::deserialize(from).map(Into::into)
}

/// A role that an application credential carries.
#[derive(Clone, Debug, Deserialize)]
pub struct CarriedRole {
    /// Its name.
    pub name: String,
}

/// What an application credential is made from.
#[derive(Clone, Debug)]
pub struct NewApplicationCredential {
    /// The name.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// Names of the roles that it is to carry. Without any: all of the token that makes it.
    pub roles: Vec<String>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether it may make and delete application credentials and trusts.
    pub unrestricted: bool,
    /// The only calls that it may be used for. Without any: all.
    pub access_rules: Vec<AccessRule>,
}

/// A call that an application credential may be used for.
#[derive(Clone, Debug)]
pub struct AccessRule {
    /// Type of the service.
    pub service: String,
    /// Method of HTTP.
    pub method: String,
    /// Path, in which `*`, `**` and `{name}` stand for parts.
    pub path: String,
}

/// The application credentials of the user who is logged in.
#[derive(Clone, Copy, Debug)]
pub struct ApplicationCredentials<'a> {
    cloud: &'a Cloud,
}

impl<'a> ApplicationCredentials<'a> {
    pub(super) fn of(cloud: &'a Cloud) -> Self {
        Self { cloud }
    }

    /// Makes one for a user, who must be the one that is logged in, in the project of the token.
    ///
    /// # Errors
    /// Those of any call: 403 if the login is itself by an application credential or a trust, 409 if the name is taken,
    /// 400 if the user has not got a role.
    pub async fn create(
        &self,
        user_id: &str,
        new: &NewApplicationCredential,
    ) -> Result<ApplicationCredential> {
        let NewApplicationCredential { name, description, roles, expires_at, unrestricted, access_rules } =
            new;
        // Keystone takes no offset but `Z`, and wants the fraction.
        let expires_at = expires_at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
        let mut fields = json!({"name": name, "expires_at": expires_at, "unrestricted": unrestricted});
        if let Some(description) = description {
            fields["description"] = json!(description);
        }
        if !roles.is_empty() {
            fields["roles"] = roles.iter().map(|name| json!({"name": name})).collect();
        }
        if !access_rules.is_empty() {
            let rule = |it: &AccessRule| {
                let AccessRule { service, method, path } = it;
                json!({"service": service, "method": method, "path": path})
            };
            fields["access_rules"] = access_rules.iter().map(rule).collect();
        }
        let call = Call::post(Service::Identity, KIND.list, json!({ KIND.one: fields }))
            .id(user_id)
            .doing(format!("create application credential \"{name}\""));
        self.cloud.send(call).await?.json_of(KIND.one)
    }

    /// Deletes one of a user's. That it was gone already is fine.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn delete(&self, user_id: &str, id: &str) -> Result<()> {
        let call = Call::delete(Service::Identity, KIND.path)
            .id(user_id)
            .id(id)
            .doing(format!("delete application credential {id}"));
        match self.cloud.send(call).await {
            Ok(_) => Ok(()),
            Err(why) => absent(self.cloud, why, id).await,
        }
    }
}
