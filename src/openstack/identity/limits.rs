//! Unified limits: the quotas that Keystone keeps for other services.
//!
//! A registered limit names a resource of a service and is the default of all projects; a limit is what one project
//! or domain has instead. Nova and Glance can be told to go by them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Scope;
use crate::openstack::catalog::Service;
use crate::openstack::cloud::{Call, Cloud};
use crate::openstack::error::{Error, Result};

/// A default: what all projects have that have no limit of their own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RegisteredLimit {
    /// Its id.
    pub id: String,
    /// Id of the service.
    pub service_id: String,
    /// Id of the region; none for all regions.
    #[serde(default)]
    pub region_id: Option<String>,
    /// The resource, as the service calls it here: `class:VCPU`.
    pub resource_name: String,
    /// The value. -1 is unlimited.
    pub default_limit: i64,
}

/// What one project or domain has instead of the default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Limit {
    /// Its id.
    pub id: String,
    /// Id of the service.
    pub service_id: String,
    /// Id of the region; none for all regions.
    #[serde(default)]
    pub region_id: Option<String>,
    /// The resource.
    pub resource_name: String,
    /// Id of the project, unless it is a domain's.
    #[serde(default)]
    pub project_id: Option<String>,
    /// Id of the domain, unless it is a project's.
    #[serde(default)]
    pub domain_id: Option<String>,
    /// The value. -1 is unlimited.
    pub resource_limit: i64,
}

/// What a limit of a project is made from. There must be a registered limit of the same service, region and resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLimit {
    /// Id of the service.
    pub service_id: String,
    /// Id of the region, if the registered limit has one.
    pub region_id: Option<String>,
    /// The resource.
    pub resource_name: String,
    /// Id of the project.
    pub project_id: String,
    /// The value.
    pub resource_limit: i64,
}

/// How limits of projects inside each other are kept consistent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LimitModel {
    /// `flat` or `strict_two_level`.
    pub name: String,
    /// Keystone's explanation.
    #[serde(default)]
    pub description: String,
}

/// Which token of an account sees the limits of all projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitView {
    /// The one that we have.
    Own,
    /// One for the system.
    System,
}

/// The unified limits of a cloud.
#[derive(Clone, Copy, Debug)]
pub struct UnifiedLimits<'a> {
    cloud: &'a Cloud,
}

impl<'a> UnifiedLimits<'a> {
    pub(super) fn of(cloud: &'a Cloud) -> Self {
        Self { cloud }
    }

    /// All registered limits. Everyone may see them.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn registered(&self) -> Result<Vec<RegisteredLimit>> {
        let call = Call::get(Service::Identity, "/registered_limits").doing("list the registered limits");
        super::all_at_once(self.cloud, call, "registered_limits").await
    }

    /// All limits that a service has, of all projects and domains, and which token sees them. `None` if we may see
    /// those of our own project only.
    ///
    /// Up to 2025.2 Keystone shows all limits only to tokens for the system, and to others, without a word, only
    /// those of the token's project. So what a project's token sees is taken for all only if there is something of
    /// another project; else a token for the system is used, if the account may have one.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn all(&self, service_id: &str) -> Result<Option<(LimitView, Vec<Limit>)>> {
        let login = self.cloud.login().await?;
        let rows = list(self.cloud, service_id, None).await?;
        let foreign = |it: &Limit| it.project_id.is_none() || it.project_id != login.project_id;
        if login.is_system || rows.iter().any(foreign) {
            return Ok(Some((LimitView::Own, rows)));
        }
        let system = self.cloud.scoped(Scope::System);
        match system.login().await {
            Ok(_) => Ok(Some((LimitView::System, list(&system, service_id, None).await?))),
            Err(Error::Login(_) | Error::TokenExpired { .. }) => Ok(None),
            Err(why) => Err(why),
        }
    }

    /// The limits that a service has for one project, as a token sees them that sees all: [`UnifiedLimits::all`]
    /// says which. One for the project itself does as well.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn of_project(
        &self,
        view: LimitView,
        service_id: &str,
        project_id: &str,
    ) -> Result<Vec<Limit>> {
        match view {
            LimitView::Own => list(self.cloud, service_id, Some(project_id)).await,
            LimitView::System => list(&self.cloud.scoped(Scope::System), service_id, Some(project_id)).await,
        }
    }

    /// Makes limits: all of them, or none.
    ///
    /// # Errors
    /// 409 if there is one already; 403 if there is no registered limit, or the model forbids the value; 400 if there
    /// is no such project; those of any call.
    pub async fn create(&self, limits: &[NewLimit]) -> Result<Vec<Limit>> {
        let body = |it: &NewLimit| {
            let NewLimit { service_id, region_id, resource_name, project_id, resource_limit } = it;
            let mut body = json!({
                "service_id": service_id, "resource_name": resource_name, "project_id": project_id,
                "resource_limit": resource_limit,
            });
            if let Some(region) = region_id {
                body["region_id"] = json!(region);
            }
            body
        };
        let all: Vec<Value> = limits.iter().map(body).collect();
        let names: Vec<_> = limits.iter().map(|it| it.resource_name.as_str()).collect();
        let call = Call::post(Service::Identity, "/limits", json!({ "limits": all }));
        self.cloud.send(call.doing(format!("make the limits {}", names.join(", ")))).await?.json_of("limits")
    }

    /// Changes the value of a limit. 0 can't be set so: Keystone passes over it, and says 200.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn change(&self, limit: &Limit, value: i64) -> Result<Limit> {
        let call =
            Call::patch(Service::Identity, "/limits/{id}", json!({"limit": {"resource_limit": value}}));
        let call = call.id(&limit.id).doing(format!("change the limit {}", limit.resource_name));
        self.cloud.send(call).await?.json_of("limit")
    }

    /// Deletes a limit, so that the default is in effect. That it was gone already is fine.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn delete(&self, limit: &Limit) -> Result<()> {
        let call = Call::delete(Service::Identity, "/limits/{id}").id(&limit.id);
        let call = call.doing(format!("delete the limit {}", limit.resource_name));
        match self.cloud.send(call).await {
            Ok(_) => Ok(()),
            Err(why) => super::absent(self.cloud, why, &limit.id).await,
        }
    }

    /// Changes the value of a registered limit: the default of all projects.
    ///
    /// # Errors
    /// 403 while any project or domain has a limit of this kind; those of any call.
    pub async fn change_registered(&self, limit: &RegisteredLimit, value: i64) -> Result<RegisteredLimit> {
        let body = json!({"registered_limit": {"default_limit": value}});
        let call = Call::patch(Service::Identity, "/registered_limits/{id}", body).id(&limit.id);
        let call = call.doing(format!("change the registered limit {}", limit.resource_name));
        self.cloud.send(call).await?.json_of("registered_limit")
    }

    /// Registers a resource with the default of all projects.
    ///
    /// # Errors
    /// 409 if it is registered; those of any call.
    pub async fn register(
        &self,
        service_id: &str,
        region_id: Option<&str>,
        resource_name: &str,
        value: i64,
    ) -> Result<RegisteredLimit> {
        let mut body =
            json!({"service_id": service_id, "resource_name": resource_name, "default_limit": value});
        if let Some(region) = region_id {
            body["region_id"] = json!(region);
        }
        let body = json!({ "registered_limits": [body] });
        let call = Call::post(Service::Identity, "/registered_limits", body);
        let reply = self.cloud.send(call.doing(format!("register the limit {resource_name}"))).await?;
        let made: Vec<RegisteredLimit> = reply.json_of("registered_limits")?;
        made.into_iter().next().ok_or_else(|| reply.odd("it has no registered limit"))
    }

    /// How limits of projects inside each other are kept consistent.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn model(&self) -> Result<LimitModel> {
        let call = Call::get(Service::Identity, "/limits/model").doing("read the model of limits");
        self.cloud.send(call).await?.json_of("model")
    }
}

async fn list(cloud: &Cloud, service_id: &str, project_id: Option<&str>) -> Result<Vec<Limit>> {
    let call = Call::get(Service::Identity, "/limits")
        .query("service_id", service_id)
        .queries(project_id.map(|it| ("project_id", it)))
        .doing("list the limits");
    let mut all: Vec<Limit> = super::all_at_once(cloud, call, "limits").await?;
    // Keystone passes over filters that it doesn't know.
    let wanted = |it: &Limit| {
        it.service_id == service_id && (project_id.is_none() || it.project_id.as_deref() == project_id)
    };
    all.retain(wanted);
    Ok(all)
}
