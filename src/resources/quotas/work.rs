//! What the services are asked and told about limits: side by side, and none stops another.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use futures_util::join;

use super::{All, attribute_for, name_of, path_of, place_of, volume_type_of, word_of};
use crate::openstack::Error;
use crate::openstack::identity::near;
use crate::openstack::quota::{Limits, NovaQuotaDriver, QuotaService, Refusal};
use crate::resources::quota_set::QuotaSet;
use crate::resources::{Explain, Tenancy, diagnostic};
use crate::tf::{Context, Diagnostic, Diagnostics, Path, Result, Severity, at};

/// Of these a Nova with unified limits looks up the default, whatever the project (Nova 34).
const DEFAULT_ONLY: [&str; 4] = ["key_pairs", "metadata_items", "server_group_members", "server_groups"];

/// What services answered about their limits.
type Answers = Vec<(QuotaService, Result<Limits, Error>)>;

/// The limits of a project. `None` if there is no such project.
pub async fn read(services: Vec<QuotaService>, project_id: &str, client: &Tenancy) -> Result<Option<All>> {
    let Some(answers) = ask(services, project_id, client).await? else { return Ok(None) };
    let (mut all, mut found) = (All::new(), Diagnostics::default());
    for (service, limits) in answers {
        match limits {
            Ok(limits) => drop(all.insert(service, limits)),
            Err(error) => found.push(cannot_read(service, error)),
        }
    }
    found.into_result().map(|()| Some(all))
}

/// The limits of a project in all services that the cloud has, for an import. A service that does not let us look is
/// remarked on.
pub async fn read_all(project_id: &str, client: &Context<Tenancy>) -> Result<Option<All>> {
    let services = client.quota_services().await?;
    let Some(answers) = ask(services, project_id, client).await? else { return Ok(None) };
    let (mut all, mut found) = (All::new(), Diagnostics::default());
    for (service, limits) in answers {
        match limits {
            Ok(limits) => drop(all.insert(service, limits)),
            Err(error) if error.is_forbidden() || matches!(error, Error::Unseen { .. }) => {
                let mut remark = cannot_read(service, error);
                remark.severity = Severity::Warning;
                remark.detail.push_str("\n\nThe import leaves these limits out.");
                client.warn(remark);
            }
            Err(error) => found.push(cannot_read(service, error)),
        }
    }
    found.into_result().map(|()| Some(all))
}

async fn ask(services: Vec<QuotaService>, project_id: &str, client: &Tenancy) -> Result<Option<Answers>> {
    let quotas = client.quotas();
    let limits = services.into_iter().map(|it| async move { (it, quotas.limits(it, project_id).await) });
    // Most services have limits for any id: only Keystone knows that a project is gone.
    let (gone, answers) = join!(quotas.project_gone(project_id), join_all(limits));
    let gone = gone.explain_at("Cannot find out whether the project is there", at!(QuotaSet, project_id))?;
    Ok(if gone { None } else { Some(answers) })
}

fn cannot_read(service: QuotaService, error: Error) -> Diagnostic {
    let summary = format!("Cannot read the limits of {}", name_of(service));
    diagnostic(summary, error).at(Path::root().attribute(word_of(service)))
}

/// The limits of `to` that are not in `from`, or others there.
pub fn changed(from: &All, to: &All) -> All {
    let mut all = to.clone();
    for (service, limits) in &mut all {
        limits.retain(|key, limit| from.get(service).and_then(|it| it.get(key)) != Some(limit));
    }
    all.retain(|_, limits| !limits.is_empty());
    all
}

/// Limits as a plan has them.
pub struct Plan {
    /// Those in the state.
    pub from: All,
    /// Those that are known of the plan.
    pub to: All,
}

impl Plan {
    /// Refuses services that the cloud does not have.
    pub async fn refuse_missing_services(&self, client: &Tenancy) -> Result<()> {
        let mut found = Diagnostics::default();
        for (service, limits) in &self.to {
            if !client
                .has_service(service.service().official())
                .await
                .explain("Cannot see which services the cloud has")?
            {
                let attribute = limits.keys().any(|key| super::has_attribute(*service, key));
                let at = Path::root().attribute(if attribute { word_of(*service) } else { "extra" });
                found.push(
                    Diagnostic::error(format!("This cloud has no {}", name_of(*service)))
                        .detail(format!(
                            "The catalog has no service of the type {service} for this region and interface. Remove these \
                             limits, or name the service's URL in the provider's `endpoints`."
                        ))
                        .at(at),
                );
            }
        }
        found.into_result()
    }

    /// Refuses new keys that a service does not know. What cannot be asked now is told by the apply.
    pub async fn refuse_unknown_keys(&self, client: &Tenancy) -> Result<()> {
        let quotas = client.quotas();
        let asked = changed(&self.from, &self.to).into_iter().map(|(service, mut limits)| {
            limits.retain(|key, _| !self.from.get(&service).is_some_and(|from| from.contains_key(key)));
            async move {
                let known = if limits.is_empty() { None } else { quotas.known_keys(service).await.ok() };
                (service, limits, known)
            }
        });
        let mut found = Diagnostics::default();
        for (service, limits, known) in join_all(asked).await {
            let Some(known) = known else { continue };
            let nova = client.defaults.nova_quota_driver;
            for key in limits.keys().filter(|key| !known.contains(*key)) {
                found.push(unknown_key(service, key, &known, nova));
            }
        }
        found.into_result()
    }

    /// Refuses limits of Nova that do nothing for a single project, if it is known to be so.
    pub fn refuse_default_only(&self, client: &Tenancy) -> Result<()> {
        let mut found = Diagnostics::default();
        if client.defaults.nova_quota_driver == NovaQuotaDriver::Unified {
            let limits = self.to.get(&QuotaService::Compute);
            for key in
                limits.into_iter().flat_map(Limits::keys).filter(|key| DEFAULT_ONLY.contains(&key.as_str()))
            {
                let at = path_of(QuotaService::Compute, key);
                found.push(
                    Diagnostic::error(format!("{at} has no effect for one project"))
                        .detail(
                            "Nova with unified limits knows only one value of it for all projects, which is the default. \
                             Set that with `tenancy_quota_defaults`.",
                        )
                        .at(at),
                );
            }
        }
        found.into_result()
    }

    /// Warns of limits below what is in use.
    pub async fn warn_below_use(&self, project_id: &str, force: bool, client: &Context<Tenancy>) {
        let quotas = client.quotas();
        let asked = changed(&self.from, &self.to).into_iter().map(|(service, mut limits)| {
            limits.retain(|_, limit| *limit >= 0);
            async move {
                let used = !limits.is_empty();
                let usage = if used { quotas.usage(service, project_id).await.ok() } else { None };
                (service, limits, usage.unwrap_or_default())
            }
        });
        for (service, limits, usages) in join_all(asked).await {
            for (key, limit) in limits {
                let Some(usage) = usages.get(&key) else { continue };
                let (in_use, reserved) = (usage.in_use.unwrap_or(0), usage.reserved.unwrap_or(0));
                if in_use + reserved <= limit {
                    continue;
                }
                let at = path_of(service, &key);
                let reserved = if reserved > 0 { format!(" and {reserved} reserved") } else { String::new() };
                client.warn(
                    Diagnostic::warning(format!("{at} = {limit} is below what is in use"))
                        .detail(format!(
                            "The project {project_id} has {in_use} in use{reserved}. {}",
                            below_use(service, force, client.defaults.nova_quota_driver)
                        ))
                        .at(place_of(service, &key)),
                );
            }
        }
    }
}

fn unknown_key(
    service: QuotaService,
    key: &str,
    known: &BTreeSet<String>,
    nova: NovaQuotaDriver,
) -> Diagnostic {
    let name = name_of(service);
    let unified = service == QuotaService::Image
        || service == QuotaService::Compute && nova == NovaQuotaDriver::Unified;
    let quoted = |all: Vec<String>| all.iter().map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(", ");
    let told = match volume_type_of(key).filter(|_| service == QuotaService::BlockStorage) {
        Some((_, volume_type)) => {
            let types: BTreeSet<&str> =
                known.iter().filter_map(|it| volume_type_of(it)).map(|(_, name)| name).collect();
            let near = near(volume_type, types.iter().copied());
            let types = types.into_iter().map(str::to_owned).collect();
            let detail = match near.is_empty() {
                true => format!("{name} has the volume types {}.", quoted(types)),
                false => format!("Near: {}.", quoted(near)),
            };
            Diagnostic::error(format!("There is no volume type \"{volume_type}\"")).detail(detail)
        }
        None => {
            let near = near(key, known.iter().map(String::as_str));
            let mut detail = match near.is_empty() {
                true => format!("{name} has {}.", quoted(known.iter().cloned().collect())),
                false => format!("Near: {}.", quoted(near)),
            };
            if unified {
                detail = format!(
                    "{name} takes its limits from Keystone, which has no registered limit for it. Register it first, such as \
                     with `tenancy_quota_defaults`."
                );
            }
            Diagnostic::error(format!("{name} of this cloud has no limit \"{key}\"")).detail(detail)
        }
    };
    told.at(place_of(service, key))
}

/// What a service does with a limit below what is in use.
fn below_use(service: QuotaService, force: bool, nova: NovaQuotaDriver) -> &'static str {
    match service {
        QuotaService::Compute if nova == NovaQuotaDriver::Unified => TAKEN,
        QuotaService::BlockStorage => {
            // So it is in Cinder 29: a default that is being replaced is not checked.
            "Cinder refuses such a limit if the project had one of its own before, and knows no `force`."
        }
        QuotaService::Compute | QuotaService::Network | QuotaService::SharedFileSystem if force => {
            "It is set all the same, by `force`: nothing is taken away, and nothing new can be made."
        }
        QuotaService::Compute | QuotaService::SharedFileSystem => {
            "The service refuses such a limit unless `force` is on: the apply fails unless less is in use by then."
        }
        QuotaService::Network => {
            "Neutron refuses such a limit since 2025.1 unless `force` is on: the apply fails unless less is in use by then."
        }
        _ => TAKEN,
    }
}

const TAKEN: &str = "The service takes it: nothing is taken away, and nothing new can be made.";

/// What was there before limits were set: by service and key, `None` for one that followed the defaults.
pub type Before = BTreeMap<String, BTreeMap<String, Option<i64>>>;

/// What these limits are before they are set: `now`, for a later `restore`.
pub async fn before(
    service: QuotaService,
    limits: &Limits,
    now: &Limits,
    client: &Tenancy,
) -> BTreeMap<String, Option<i64>> {
    // Who cannot say what the defaults are gets the very values back.
    let defaults = client.quotas().defaults(service).await.unwrap_or_default();
    let was = |key: &String, now: i64| (key.clone(), Some(now).filter(|now| defaults.get(key) != Some(now)));
    limits.keys().filter_map(|key| Some(was(key, *now.get(key)?))).collect()
}

/// Why limits were not set, at the attributes that asked for them.
pub fn cannot_set(service: QuotaService, limits: &Limits, error: Error) -> Diagnostics {
    if let Error::Quota(it) = &error {
        let keys = it.keys.iter().map(|(key, (asked, why))| {
            let at = path_of(service, key);
            let summary = match why {
                Refusal::BelowUse { .. } => format!("{at} = {asked} is below what is in use"),
                Refusal::Unknown => format!("{} of this cloud has no limit \"{key}\"", name_of(service)),
                _ => format!("{at} = {asked} was not taken"),
            };
            diagnostic(summary, error.clone()).at(place_of(service, key))
        });
        let keys: Vec<_> = keys.collect();
        if !keys.is_empty() {
            return Diagnostics(keys);
        }
    }
    let keys: Vec<_> =
        limits.iter().map(|(key, limit)| format!("{} = {limit}", short(service, key))).collect();
    let summary = format!("Cannot set the limits of {} ({})", name_of(service), keys.join(", "));
    diagnostic(summary, error).at(Path::root().attribute(word_of(service))).into()
}

/// A key as it is written, without its service.
fn short(service: QuotaService, key: &str) -> String {
    attribute_for(service, key).unwrap_or(key).to_owned()
}

/// Why limits do not follow the defaults again.
pub fn cannot_reset(service: QuotaService, error: Error) -> Diagnostics {
    let summary = format!("Cannot reset the limits of {}", name_of(service));
    diagnostic(summary, error).at(Path::root().attribute(word_of(service))).into()
}

/// Whether the service is there to answer: it refused, and can say what it has.
pub fn answered(error: &Error) -> bool {
    matches!(error, Error::Quota(_)) || error.status().is_some_and(|status| status < 500)
}

/// Whether a failure may have left something changed.
pub fn may_have_set(error: &Error) -> bool {
    let ignored = |it: &Refusal| matches!(it, Refusal::Ignored { .. });
    match error {
        Error::Quota(it) => it.keys.values().any(|(_, why)| ignored(why)),
        other => other.is_reply_lost(),
    }
}
