//! Limits as users write them, and how they become each service's own keys. Shared by all that sets or shows limits.

pub mod services;
pub(super) mod work;

use std::collections::BTreeMap;

use crate::openstack::quota::{Limits, QuotaService};
use crate::tf::{Model, Path, Value};

use services::{
    BlockStorage, Compute, Dns, Image, KeyManager, LoadBalancer, Network, ObjectStorage, SharedFileSystem,
    VolumeType,
};

/// Limits of several services, by each service's own keys.
pub type All = BTreeMap<QuotaService, Limits>;

/// Limits of one service: attributes that stand for keys.
pub trait Table {
    /// The service.
    const SERVICE: QuotaService;
    /// Attributes and keys.
    const KEYS: &'static [(&'static str, &'static str)];

    /// Shows each key with its limit.
    fn each(&mut self, f: &mut dyn FnMut(&str, &mut Option<i64>));
}

/// The attribute of `T` that stands for a key.
fn attribute_of<T: Table>(key: &str) -> Option<&'static str> {
    T::KEYS.iter().find(|(_, it)| *it == key).map(|(attribute, _)| *attribute)
}

/// What a project may use, in every service that has limits. Null is not managed; `0` is nothing at all, `-1` is
/// unlimited.
#[derive(Clone, Debug, Default, PartialEq, Model)]
pub struct Quotas {
    /// Limits of Nova.
    pub compute: Option<Compute>,
    /// Limits of Cinder. A fixed amount of storage is `gigabytes`; amounts for each kind of storage are `volume_types`.
    pub block_storage: Option<BlockStorage>,
    /// Limits of Neutron.
    pub network: Option<Network>,
    /// Limits of Octavia.
    pub load_balancer: Option<LoadBalancer>,
    /// Limits of Designate.
    pub dns: Option<Dns>,
    /// Limits of Manila.
    pub shared_file_system: Option<SharedFileSystem>,
    /// Limits of Barbican.
    pub key_manager: Option<KeyManager>,
    /// Limits of Swift. The account must be the project's own, as it is by default.
    pub object_storage: Option<ObjectStorage>,
    /// Limits of Glance. They are Keystone's unified limits, and each needs a registered limit: see
    /// `tenancy_quota_defaults`. Where the same configuration has that, name it in `depends_on`.
    pub image: Option<Image>,
    /// Limits that have no attribute here, such as those of extensions, by the attribute of their service and by the
    /// service's own key: `{ network = { trunk = 5 } }`.
    #[tf(check(extra))]
    pub extra: Option<BTreeMap<String, BTreeMap<String, i64>>>,
}

/// Does the same for each attribute of [`Quotas`].
macro_rules! for_each_service {
    ($do:ident $(($($first:tt)*))?) => {
        $do! {
            $($($first)*)?
            compute block_storage network load_balancer dns shared_file_system key_manager object_storage image extra
        }
    };
}
pub(super) use for_each_service;

/// Settles what a plan shows for attributes that are not written: they are not managed. Right after an import, when
/// `$imported`, nobody knows yet what will be: as long as all that is written agrees with what was imported, all stays as
/// it was imported, and the result is true.
macro_rules! settle {
    ($model:ty, $planned:ident, $config:ident, $prior:expr, $imported:expr; $($field:ident)+) => {{
        let untouched = $prior.filter(|prior| {
            $imported
                $(&& $crate::resources::quotas::agrees(
                    $config.raw(at!($model, $field)),
                    &$crate::tf::Attr::encode(prior.$field.clone()),
                ))+
        });
        $(match untouched {
            Some(prior) => $planned.set(at!($model, $field), prior.$field.clone()),
            None => $planned.set_raw(at!($model, $field), $config.raw(at!($model, $field)).clone()),
        })+
        untouched.is_some()
    }};
}
pub(super) use settle;

/// The limits of a plan, as far as they are known.
macro_rules! known {
    ($model:ty, $planned:ident; $($field:ident)+) => {{
        let mut known = $crate::resources::quotas::Quotas::default();
        $(known.$field = $planned.known_part(at!($model, $field))?;)+
        known
    }};
}
pub(super) use known;

impl Quotas {
    /// Shows each key that has an attribute, with its limit.
    fn each(&mut self, f: &mut dyn FnMut(QuotaService, &str, &mut Option<i64>)) {
        fn of<T: Table>(it: &mut Option<T>, f: &mut dyn FnMut(QuotaService, &str, &mut Option<i64>)) {
            if let Some(it) = it {
                it.each(&mut |key, limit| f(T::SERVICE, key, limit));
            }
        }
        of(&mut self.compute, f);
        of(&mut self.block_storage, f);
        for (name, it) in self.block_storage.iter_mut().filter_map(|it| it.volume_types.as_mut()).flatten() {
            it.each(&mut |key, limit| f(QuotaService::BlockStorage, &format!("{key}_{name}"), limit));
        }
        of(&mut self.network, f);
        of(&mut self.load_balancer, f);
        of(&mut self.dns, f);
        of(&mut self.shared_file_system, f);
        of(&mut self.key_manager, f);
        of(&mut self.object_storage, f);
        of(&mut self.image, f);
    }

    /// The limits that are set.
    pub fn limits(&self) -> All {
        let mut all = All::new();
        self.clone().each(&mut |service, key, limit| {
            if let Some(limit) = limit {
                all.entry(service).or_default().insert(key.to_owned(), *limit);
            }
        });
        for (word, limits) in self.extra.iter().flatten() {
            if let Some(service) = service_of(word) {
                all.entry(service).or_default().extend(limits.clone());
            }
        }
        all
    }

    /// The same limits, with the values that were found. One that was not found is unset.
    pub fn seen(mut self, found: &All) -> Self {
        let value = |service, key: &str| {
            // What Swift does not have is unlimited.
            let absent = (service == QuotaService::ObjectStorage).then_some(-1);
            found.get(&service)?.get(key).copied().or(absent)
        };
        self.each(&mut |service, key, limit| *limit = limit.and_then(|_| value(service, key)));
        for (word, limits) in self.extra.iter_mut().flatten() {
            let Some(service) = service_of(word) else { continue };
            limits.retain(|key, limit| value(service, key).map(|it| *limit = it).is_some());
        }
        self
    }

    /// All limits that were found.
    pub fn whole(found: &All) -> Self {
        let mut all = Quotas::default();
        for (service, limits) in found.iter().filter(|(_, limits)| !limits.is_empty()) {
            match service {
                QuotaService::Compute => all.compute = Some(Compute::default()),
                QuotaService::BlockStorage => {
                    let types = limits.keys().filter_map(|key| volume_type_of(key));
                    let types: BTreeMap<_, _> =
                        types.map(|(_, name)| (name.to_owned(), VolumeType::default())).collect();
                    let volume_types = Some(types).filter(|it| !it.is_empty());
                    all.block_storage = Some(BlockStorage { volume_types, ..Default::default() });
                }
                QuotaService::Network => all.network = Some(Network::default()),
                QuotaService::LoadBalancer => all.load_balancer = Some(LoadBalancer::default()),
                QuotaService::Dns => all.dns = Some(Dns::default()),
                QuotaService::SharedFileSystem => all.shared_file_system = Some(SharedFileSystem::default()),
                QuotaService::KeyManager => all.key_manager = Some(KeyManager::default()),
                QuotaService::ObjectStorage => all.object_storage = Some(ObjectStorage::default()),
                QuotaService::Image => all.image = Some(Image::default()),
            }
            for (key, limit) in limits.iter().filter(|(key, _)| !has_attribute(*service, key)) {
                let extra = all.extra.get_or_insert_default().entry(word_of(*service).to_owned());
                extra.or_default().insert(key.clone(), *limit);
            }
        }
        all.each(&mut |service, key, limit| *limit = found.get(&service).and_then(|it| it.get(key)).copied());
        all
    }
}

/// The attribute that holds a service's limits.
pub fn word_of(service: QuotaService) -> &'static str {
    match service {
        QuotaService::Compute => "compute",
        QuotaService::BlockStorage => "block_storage",
        QuotaService::Network => "network",
        QuotaService::LoadBalancer => "load_balancer",
        QuotaService::Dns => "dns",
        QuotaService::SharedFileSystem => "shared_file_system",
        QuotaService::KeyManager => "key_manager",
        QuotaService::ObjectStorage => "object_storage",
        QuotaService::Image => "image",
    }
}

/// The service whose limits an attribute holds.
pub fn service_of(word: &str) -> Option<QuotaService> {
    QuotaService::ALL.into_iter().find(|it| word_of(*it) == word)
}

/// What people call a service.
pub fn name_of(service: QuotaService) -> &'static str {
    match service {
        QuotaService::Compute => "Nova",
        QuotaService::BlockStorage => "Cinder",
        QuotaService::Network => "Neutron",
        QuotaService::LoadBalancer => "Octavia",
        QuotaService::Dns => "Designate",
        QuotaService::SharedFileSystem => "Manila",
        QuotaService::KeyManager => "Barbican",
        QuotaService::ObjectStorage => "Swift",
        QuotaService::Image => "Glance",
    }
}

/// `gigabytes_ssd` is `gigabytes` of the volume type `ssd`.
pub fn volume_type_of(key: &str) -> Option<(&'static str, &str)> {
    VolumeType::KEYS.iter().find_map(|(attribute, prefix)| {
        let name = key.strip_prefix(prefix)?.strip_prefix('_')?;
        (!name.is_empty()).then_some((*attribute, name))
    })
}

/// The attribute that stands for a key of a service, without volume types.
pub fn attribute_for(service: QuotaService, key: &str) -> Option<&'static str> {
    match service {
        QuotaService::Compute => attribute_of::<Compute>(key),
        QuotaService::BlockStorage => attribute_of::<BlockStorage>(key),
        QuotaService::Network => attribute_of::<Network>(key),
        QuotaService::LoadBalancer => attribute_of::<LoadBalancer>(key),
        QuotaService::Dns => attribute_of::<Dns>(key),
        QuotaService::SharedFileSystem => attribute_of::<SharedFileSystem>(key),
        QuotaService::KeyManager => attribute_of::<KeyManager>(key),
        QuotaService::ObjectStorage => attribute_of::<ObjectStorage>(key),
        QuotaService::Image => attribute_of::<Image>(key),
    }
}

fn has_attribute(service: QuotaService, key: &str) -> bool {
    attribute_for(service, key).is_some()
        || service == QuotaService::BlockStorage && volume_type_of(key).is_some()
}

/// Where a diagnostic about a key points: hosts find no place within `extra`.
pub fn place_of(service: QuotaService, key: &str) -> Path {
    if has_attribute(service, key) { path_of(service, key) } else { Path::root().attribute("extra") }
}

/// Where the limit of a key is written, below the attributes of a [`Quotas`].
pub fn path_of(service: QuotaService, key: &str) -> Path {
    let word = word_of(service);
    let above = Path::root().attribute(word);
    match (attribute_for(service, key), volume_type_of(key)) {
        (Some(attribute), _) => above.attribute(attribute),
        (None, Some((attribute, name))) if service == QuotaService::BlockStorage => {
            above.attribute("volume_types").key(name).attribute(attribute)
        }
        _ => Path::root().attribute("extra").key(word).key(key),
    }
}

/// Keys of extensions: of services that there are, and none that has an attribute.
pub fn extra(all: &BTreeMap<String, BTreeMap<String, i64>>) -> Result<(), String> {
    for (word, limits) in all {
        let Some(service) = service_of(word) else {
            let words: Vec<_> = QuotaService::ALL.into_iter().map(word_of).collect();
            return Err(format!("Expected keys among {}; got \"{word}\".", words.join(", ")));
        };
        for (key, limit) in limits {
            if has_attribute(service, key) {
                return Err(format!("\"{key}\" has an attribute: write `{}`.", path_of(service, key)));
            }
            crate::resources::check::limit(limit).map_err(|why| format!("{word} \"{key}\": {why}"))?;
        }
    }
    Ok(())
}

/// Names of volume types. An empty one would make another key of it.
pub fn volume_types(all: &BTreeMap<String, VolumeType>) -> Result<(), String> {
    match all.keys().find(|name| name.trim().is_empty()) {
        Some(_) => Err("A volume type has a name.".to_owned()),
        None => Ok(()),
    }
}

/// Whether all that a configuration writes is in a state already. What is unset agrees with everything.
pub fn agrees(written: &Value, state: &Value) -> bool {
    match (written, state) {
        (Value::Null, _) => true,
        (Value::Object(written), Value::Object(state)) => {
            written.iter().zip(state).all(|(written, state)| agrees(written, state))
        }
        (Value::Map(written), Value::Map(state)) => {
            written.iter().all(|(key, it)| state.get(key).is_some_and(|state| agrees(it, state)))
        }
        (written, state) => written == state,
    }
}
