//! Swift: headers of a project's account. A limit that isn't there is unlimited.
//!
//! The keys are what follows `X-Account-Quota-`, in lower case: `bytes`, `count`, and for one storage policy
//! `bytes-policy-gold`. Whoever may read and write other accounts has the role `ResellerAdmin`, or whatever is
//! configured as `reseller_admin_role`; an administrator has not.

use std::collections::BTreeSet;

use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::Value;

use super::neutron::no_defaults;
use super::{Api, Limits, QuotaService, Quotas, Usage, Usages};
use crate::openstack::catalog::Service;
use crate::openstack::cloud::Call;
use crate::openstack::error::{Error, Result};
use crate::openstack::transport::Reply;

const PREFIX: &str = "x-account-quota-";
/// How older releases call it. Newer ones still read it.
const OLD_BYTES: &str = "x-account-meta-quota-bytes";
/// The limits that any account has.
pub(super) const KEYS: [&str; 2] = ["bytes", "count"];

pub(super) struct Swift<'a>(pub Quotas<'a>);

impl Swift<'_> {
    async fn send(&self, call: Call, project_id: &str) -> Result<Reply> {
        self.0.cloud.send_to_account(call, project_id).await.map_err(|why| match why {
            Error::Unseen { why, .. } => Error::Unseen {
                what: format!("the object storage quotas of project {project_id}"),
                why: format!("{why}. Ceph's gateway keeps them behind an API of its own"),
            },
            Error::Status(mut it) if it.status == 403 => {
                it.message = format!(
                    "{}. Accounts of other projects are open to the role `ResellerAdmin` (Swift's \
                     `reseller_admin_role`) only, and not to administrators",
                    it.message.trim_end_matches('.')
                )
                .trim_start_matches(". ")
                .to_owned();
                Error::Status(it)
            }
            other => other,
        })
    }

    /// The headers of an account; none if there is no account yet: one is made when it is first used.
    async fn head(&self, project_id: &str) -> Result<Option<Reply>> {
        let call = Call::new(Method::HEAD, Service::ObjectStore, "/");
        let call = call.doing(format!("read the account of project {project_id}"));
        match self.send(call, project_id).await {
            Ok(reply) => Ok(Some(reply)),
            // A reply without a body. It is Swift's if it has a transaction's id.
            Err(Error::Status(it)) if it.status == 404 && it.attempt.request_id.is_some() => Ok(None),
            Err(why) => Err(why),
        }
    }

    /// What this Swift says that it can do; nothing if it doesn't say.
    async fn capabilities(&self) -> Result<Value> {
        let mut url = self.0.cloud.base(Service::ObjectStore, &*self.0.cloud.login().await?)?;
        url.set_path("/info");
        let call = Call::get(Service::ObjectStore, "/info").doing("ask for Swift's capabilities");
        match self.0.cloud.send_at(call, url).await {
            Ok(reply) => reply.json(),
            // They may be hidden.
            Err(Error::Status(it)) if it.status < 500 => Ok(Value::Null),
            Err(why) => Err(why),
        }
    }

    async fn post(&self, project_id: &str, headers: impl Iterator<Item = (String, i64)>) -> Result<()> {
        let mut call = Call::new(Method::POST, Service::ObjectStore, "/")
            .doing(format!("set the object storage quotas of project {project_id}"));
        for (name, value) in headers {
            // Nothing at all is no limit.
            let value = if value < 0 { HeaderValue::from_static("") } else { HeaderValue::from(value) };
            match HeaderName::try_from(&name) {
                Ok(name) => call = call.any_header(name, value),
                Err(_) => {
                    return Err(Error::BadId { doing: "set a limit of object storage".into(), id: name });
                }
            }
        }
        self.send(call, project_id).await.map(|_| ())
    }
}

impl Api for Swift<'_> {
    async fn defaults(&self) -> Result<Limits> {
        let capabilities = self.capabilities().await?;
        let policies = capabilities["swift"]["policies"].as_array().into_iter().flatten();
        let mut all = unlimited();
        for policy in policies.filter_map(|it| it["name"].as_str()) {
            all.extend(KEYS.map(|it| (format!("{it}-policy-{}", policy.to_lowercase()), -1)));
        }
        Ok(all)
    }

    async fn limits(&self, project_id: &str) -> Result<Limits> {
        Ok(self.head(project_id).await?.map_or_else(unlimited, |it| quotas_of(&it)))
    }

    async fn usage(&self, project_id: &str) -> Result<Usages> {
        let reply = self.head(project_id).await?;
        let number = |name: &str| match &reply {
            Some(reply) => reply.header(name)?.parse().ok(),
            None => Some(0),
        };
        let used = |key: &str| match key.split_once("-policy-") {
            None if key == "bytes" => number("x-account-bytes-used"),
            None if key == "count" => number("x-account-object-count"),
            // Swift leaves out the policies that no container of the account has.
            Some(("bytes", policy)) => {
                Some(number(&format!("x-account-storage-policy-{policy}-bytes-used")).unwrap_or(0))
            }
            Some(("count", policy)) => {
                Some(number(&format!("x-account-storage-policy-{policy}-object-count")).unwrap_or(0))
            }
            _ => None,
        };
        let limits = reply.as_ref().map_or_else(unlimited, quotas_of);
        Ok(limits
            .into_iter()
            .map(|(key, limit)| {
                let in_use = used(&key);
                (key, Usage { limit, in_use, reserved: None })
            })
            .collect())
    }

    async fn put(&self, project_id: &str, limits: &Limits, _force: bool) -> Result<Limits> {
        let headers = limits.iter().map(|(key, value)| (format!("{PREFIX}{key}"), *value));
        self.post(project_id, headers).await?;
        let mut now = self.limits(project_id).await?;
        if let Some(bytes) = limits.get("bytes")
            && now.get("bytes") != Some(bytes)
            && self.capabilities().await?.get("account_quotas").is_some()
        {
            // An old release, or a limit of its days. Without quotas the header would be kept, and nothing else.
            self.post(project_id, [(OLD_BYTES.to_owned(), *bytes)].into_iter()).await?;
            now = self.limits(project_id).await?;
        }
        // What isn't there is unlimited, whatever its name.
        for key in limits.keys() {
            now.entry(key.clone()).or_insert(-1);
        }
        Ok(now)
    }

    async fn reset(&self, project_id: &str, keys: &BTreeSet<String>) -> Result<()> {
        let now = self.limits(project_id).await?;
        let set: Limits = keys
            .iter()
            .filter(|it| now.get(*it).is_some_and(|it| *it >= 0))
            .map(|it| (it.clone(), -1))
            .collect();
        if set.is_empty() { Ok(()) } else { self.put(project_id, &set, false).await.map(|_| ()) }
    }

    async fn put_defaults(&self, _limits: &Limits) -> Result<Limits> {
        Err(no_defaults(QuotaService::ObjectStorage, "proxy: an account has no limit unless it is set"))
    }
}

fn unlimited() -> Limits {
    KEYS.iter().map(|it| ((*it).to_owned(), -1)).collect()
}

fn quotas_of(reply: &Reply) -> Limits {
    let mut all = unlimited();
    let old = reply.header(OLD_BYTES).and_then(|it| it.parse().ok());
    all.extend(old.map(|it| ("bytes".to_owned(), it)));
    all.extend(reply.headers.iter().filter_map(|(name, value)| {
        let key = name.as_str().strip_prefix(PREFIX)?;
        Some((key.to_owned(), value.to_str().ok()?.parse().ok()?))
    }));
    all
}
