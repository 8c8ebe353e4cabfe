//! What the services are asked and told about limits: side by side, and none stops another.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use futures_util::join;

use super::{All, attribute_for, name_of, path_of, place_of, volume_type_of, word_of};
use crate::openstack::Error;
use crate::openstack::identity::near;
use crate::openstack::quota::{Limits, NovaQuotaDriver, QuotaService, Refusal};
use crate::resources::quota_set::QuotaSet;
use crate::resources::{Existing, Explain, Tenancy, diagnostic};
use crate::tf::{Context, Diagnostic, Diagnostics, Path, Result, Severity, at};

/// Of these a Nova with unified limits looks up the default, whatever the project (Nova 34).
const DEFAULT_ONLY: [&str; 4] = ["key_pairs", "metadata_items", "server_group_members", "server_groups"];

/// What services answered about their limits.
type Answers = Vec<(QuotaService, Result<Limits, Error>)>;

/// What a refresh saw.
pub struct Seen {
    /// The limits; of a service that could not be asked those of the state.
    pub all: All,
    /// The services that did not answer, by their attributes.
    pub silent: BTreeSet<String>,
}

/// The limits of a project now, of the services that the state has. `None` if there is no such project.
///
/// A service that the cloud does not have any more keeps what the state has, with a warning. So does one that does not
/// answer, if it is `spared`: when nobody has said that it is managed.
pub async fn read(
    last: &All,
    project_id: &str,
    spared: bool,
    client: &Context<Tenancy>,
) -> Result<Option<Seen>> {
    let Some(answers) = ask(last.keys().copied().collect(), project_id, client).await? else {
        return Ok(None);
    };
    let mut seen = Seen { all: All::new(), silent: BTreeSet::new() };
    let mut found = Diagnostics::default();
    for (service, limits) in answers {
        let error = match limits {
            Ok(limits) => {
                seen.all.insert(service, limits);
                continue;
            }
            Err(error) => error,
        };
        let remark = match error.is_service_absent() {
            true => Some(STAYS_IN_STATE),
            false if spared && !error.is_cancelled() => {
                seen.silent.insert(word_of(service).to_owned());
                Some(STAYS_AS_IMPORTED)
            }
            false => None,
        };
        let told = cannot_read(service, error);
        match remark {
            Some(remark) => {
                client.warn(as_remark(told, remark));
                seen.all.insert(service, last.get(&service).cloned().unwrap_or_default());
            }
            None => found.push(told),
        }
    }
    found.into_result().map(|()| Some(seen))
}

/// What is said of a service that is not there any more.
pub const STAYS_IN_STATE: &str = "The state keeps the limits that it has. If the service is gone for good, remove them from the \
    configuration.";

/// What is said of a service that does not answer after an import.
const STAYS_AS_IMPORTED: &str =
    "The state keeps what was imported. As long as no limit of it is written here, nothing depends on it.";

/// An error that stops nothing.
pub fn as_remark(mut told: Diagnostic, more: &str) -> Diagnostic {
    told.severity = Severity::Warning;
    told.detail.push_str("\n\n");
    told.detail.push_str(more);
    told
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
                client.warn(as_remark(cannot_read(service, error), "The import leaves these limits out."));
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

    /// Refuses new keys that a service does not know. What cannot be asked now is told by the apply. So is what may be
    /// registered by then: that is remarked on.
    pub async fn refuse_unknown_keys(&self, client: &Context<Tenancy>) -> Result<()> {
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
                if client.is_coming(Existing::Limit(service, key)) {
                    continue;
                }
                let told = unknown_key(service, key, &known, nova);
                match told.severity {
                    Severity::Error => found.push(told),
                    Severity::Warning => client.warn(told),
                }
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
            let mut told = Diagnostic::error(format!("{name} of this cloud has no limit \"{key}\""));
            if unified {
                detail = format!(
                    "{name} takes its limits from Keystone, which has no registered limit for it. Register it first, such as \
                     with `tenancy_quota_defaults`, and name that in `depends_on` here."
                );
                // Somebody may do so before the apply comes to it.
                if attribute_for(service, key).is_some() || key.starts_with("class:") {
                    told.severity = Severity::Warning;
                    detail.push_str(" Else the apply fails.");
                }
            }
            told.detail(detail)
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
async fn before(
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

/// A service that did not take all limits: why, what it has now, and whether that may be due to us.
struct Failed {
    error: Error,
    there: Limits,
    made: bool,
}

/// What came of setting limits.
pub struct Done {
    /// The services that did not take them all, with what they have now as far as anybody knows.
    pub failed: All,
    /// Whether anything was or may have been set.
    pub made: bool,
    /// What went wrong.
    pub found: Diagnostics,
}

/// Sets limits in all services side by side. `from` is what is in the state. `kept` keeps what was there before the first
/// time, if somebody wants it.
pub async fn set(
    project_id: &str,
    force: bool,
    limits: &All,
    from: &All,
    mut kept: Option<&mut Before>,
    client: &Tenancy,
) -> Done {
    let quotas = client.quotas();
    let known = kept.as_deref();
    let work = limits.iter().map(|(service, limits)| async move {
        let (service, from) = (*service, from.get(service));
        let mut read = None;
        let was = match known.map(|known| known.get(word_of(service))) {
            None => Ok(BTreeMap::new()),
            Some(Some(known)) if limits.keys().all(|key| known.contains_key(key)) => Ok(BTreeMap::new()),
            // The refresh has just read what an import took in.
            _ if let Some(from) = from.filter(|from| limits.keys().all(|key| from.contains_key(key))) => {
                Ok(before(service, limits, from, client).await)
            }
            _ => match quotas.limits(service, project_id).await {
                Ok(now) => {
                    let was = before(service, limits, &now, client).await;
                    read = Some(now);
                    Ok(was)
                }
                Err(error) => Err(error),
            },
        };
        let was = match was {
            Ok(was) => was,
            Err(error) => {
                let there = from.cloned().unwrap_or_default();
                return (service, BTreeMap::new(), Err(Failed { error, there, made: false }));
            }
        };
        let Err(error) = quotas.set(service, project_id, limits, force).await else {
            return (service, was, Ok(()));
        };
        let there = match answered(&error) {
            true => quotas.limits(service, project_id).await.ok(),
            false => None,
        };
        let made = made(service, limits, read.as_ref(), there.as_ref(), &error);
        let there = there.or_else(|| from.cloned()).unwrap_or_default();
        (service, was, Err(Failed { error, there, made }))
    });
    let results = join_all(work).await;
    let mut done = Done { failed: All::new(), made: false, found: Diagnostics::default() };
    for ((service, was, set), limits) in results.into_iter().zip(limits.values()) {
        if let Some(kept) = &mut kept {
            let kept = kept.entry(word_of(service).to_owned()).or_default();
            for (key, was) in was {
                kept.entry(key).or_insert(was);
            }
        }
        match set {
            Ok(()) => done.made = true,
            Err(Failed { error, there, made }) => {
                done.made |= made;
                done.failed.insert(service, there);
                done.found.extend(cannot_set(service, limits, error));
            }
        }
    }
    done
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
fn cannot_reset(service: QuotaService, error: Error) -> Diagnostic {
    let summary = format!("Cannot reset the limits of {}", name_of(service));
    diagnostic(summary, error).at(Path::root().attribute(word_of(service)))
}

/// Whether the service is there to answer: it refused, and can say what it has.
pub fn answered(error: &Error) -> bool {
    matches!(error, Error::Quota(_)) || error.status().is_some_and(|status| status < 500)
}

/// Whether a failure left something changed, by what was there before and is there now. Where that is not known: whether it
/// may have.
pub fn made(
    service: QuotaService,
    asked: &Limits,
    before: Option<&Limits>,
    now: Option<&Limits>,
    error: &Error,
) -> bool {
    if let (Some(before), Some(now)) = (before, now) {
        return asked.keys().any(|key| before.get(key) != now.get(key));
    }
    let ignored = |it: &Refusal| matches!(it, Refusal::Ignored { .. });
    match error {
        Error::Quota(it) => it.keys.values().any(|(_, why)| ignored(why)),
        // What Keystone keeps is written one by one.
        _ if [QuotaService::Compute, QuotaService::Image].contains(&service) => true,
        other => other.is_reply_lost(),
    }
}

/// Gives up the limits that a project has of a service: some follow the defaults again, others become what they were.
/// Where there is no service any more, nothing is left to do.
pub async fn give_up(
    service: QuotaService,
    project_id: &str,
    reset: Option<&BTreeSet<String>>,
    restore: Option<&Limits>,
    client: &Context<Tenancy>,
) -> Diagnostics {
    let quotas = client.quotas();
    let mut found = Diagnostics::default();
    if let Some(keys) = reset
        && let Err(error) = quotas.reset(service, project_id, keys).await
    {
        if error.is_service_absent() {
            client.warn(as_remark(cannot_reset(service, error), "There is nothing left to reset."));
            return found;
        }
        found.push(cannot_reset(service, error));
    }
    if let Some(limits) = restore
        && let Err(error) = quotas.restore(service, project_id, limits).await
    {
        match error.is_service_absent() {
            true => client.warn(as_remark(cannot_reset(service, error), "There is nothing left to restore.")),
            false => found.extend(cannot_set(service, limits, error)),
        }
    }
    found
}
