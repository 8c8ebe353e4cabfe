//! Finds and merges clouds.yaml, secure.yaml and profiles.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{ConfigError, Origin};

/// A file and what is in it.
type Found = (PathBuf, Map<String, Value>);

/// The environment and the files around: the process's own, or given ones.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    variables: BTreeMap<String, String>,
    directory: PathBuf,
    home: Option<PathBuf>,
    /// `None`: the disk.
    files: Option<BTreeMap<PathBuf, String>>,
}

impl Surroundings {
    /// Environment, working directory and files of this process.
    pub fn of_this_process() -> Self {
        // A variable that isn't UTF-8 can't be one of ours.
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self {
            home: std::env::home_dir(),
            directory: std::env::current_dir().unwrap_or_default(),
            variables,
            files: None,
        }
    }

    /// The same without the variables that are settings: what is left says where files are.
    pub(super) fn without_account(mut self) -> Self {
        self.variables.retain(|name, _| !name.starts_with("OS_") || name.starts_with("OS_CLIENT_"));
        self
    }

    /// Given variables and files, in the working directory `/here` and the home `/users/me`. For tests.
    pub fn given<const V: usize, const F: usize>(
        variables: [(&str, &str); V],
        files: [(&str, &str); F],
    ) -> Self {
        Self::given_from(&variables, &files)
    }

    /// As [`Surroundings::given`], from slices.
    pub fn given_from(variables: &[(&str, &str)], files: &[(&str, &str)]) -> Self {
        let own = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
        Self {
            variables: variables.iter().map(own).collect(),
            directory: "/here".into(),
            home: Some("/users/me".into()),
            files: Some(files.iter().map(own).map(|(a, b)| (PathBuf::from(a), b)).collect()),
        }
    }

    /// A variable that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|it| !it.is_empty())
    }

    /// The text of a file; relative paths start at the working directory, `~/` at the home.
    pub(super) fn read(&self, path: &str) -> std::io::Result<String> {
        let path = match (path.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.directory.join(path),
        };
        self.read_file(&path)
    }

    fn read_file(&self, path: &Path) -> std::io::Result<String> {
        match &self.files {
            None => std::fs::read_to_string(path),
            Some(files) => {
                files.get(path).cloned().ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotFound))
            }
        }
    }

    /// Where openstacksdk looks: the working directory, the user's configuration, the system's.
    fn directories(&self) -> Vec<PathBuf> {
        let mut all = vec![self.directory.clone()];
        if let Some(config) = self.variable("XDG_CONFIG_HOME") {
            all.push(Path::new(config).join("openstack"));
        }
        if let Some(home) = &self.home {
            all.push(home.join(".config/openstack"));
        }
        all.push("/etc/openstack".into());
        all.dedup();
        all
    }

    /// The first file that exists. All that were looked at are noted.
    fn first(
        &self,
        explicit: Option<&str>,
        stem: &str,
        directories: &[PathBuf],
        looked: &mut Vec<PathBuf>,
    ) -> Result<Option<Found>, ConfigError> {
        let explicit = explicit.map(|it| self.directory.join(it)).into_iter();
        let standard = directories
            .iter()
            .flat_map(|it| ["yaml", "yml", "json"].map(|end| it.join(format!("{stem}.{end}"))));
        for path in explicit.chain(standard) {
            if looked.contains(&path) {
                continue;
            }
            match self.read_file(&path) {
                Ok(text) => {
                    let parsed = parse(&text).map_err(|why| ConfigError {
                        setting: "cloud",
                        origin: Origin::Nowhere,
                        why: format!("{} is not readable YAML: {why}", path.display()),
                    })?;
                    return Ok(Some((path, parsed)));
                }
                Err(why)
                    if matches!(
                        why.kind(),
                        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                    ) =>
                {
                    looked.push(path);
                }
                Err(why) => {
                    return Err(ConfigError {
                        setting: "cloud",
                        origin: Origin::Nowhere,
                        why: format!("{} can't be read: {why}", path.display()),
                    });
                }
            }
        }
        Ok(None)
    }
}

/// YAML as JSON; JSON is YAML too. An empty file is an empty map.
fn parse(text: &str) -> Result<Map<String, Value>, String> {
    // Without the snippets that show lines of the file: a line may hold a password.
    let options = serde_saphyr::options! { with_snippet: false, leading_zero_numbers_as_strings: true };
    let value: Option<Value> =
        serde_saphyr::from_str_with_options(text, options).map_err(|it| first_line(&it.to_string()))?;
    match value {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map),
        Some(_) => Err("the document is not a map".into()),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// A cloud's entry with all that belongs to it merged in.
pub(super) struct Entry {
    pub origin: Origin,
    pub values: Map<String, Value>,
}

/// Reads the entry of that name. `told` says who chose the name.
pub(super) fn entry(name: &str, told: Origin, around: &Surroundings) -> Result<Entry, ConfigError> {
    let fail = |why: String| ConfigError { setting: "cloud", origin: told.clone(), why };
    let directories = around.directories();
    let mut looked = Vec::new();
    let explicit = around.variable("OS_CLIENT_CONFIG_FILE");
    let Some((file, clouds)) = around.first(explicit, "clouds", &directories, &mut looked)? else {
        let looked: Vec<_> = looked.iter().map(|it| it.display().to_string()).collect();
        return Err(fail(format!(
            "there is no clouds.yaml to find the cloud `{name}` in. Looked at {}",
            looked.join(", ")
        )));
    };
    let entries = clouds.get("clouds").and_then(Value::as_object);
    let found = entries.and_then(|it| it.get(name));

    // secure.yaml is looked for next to clouds.yaml first: OS_CLIENT_CONFIG_FILE may point anywhere.
    let mut beside: Vec<PathBuf> = file.parent().map(Path::to_owned).into_iter().collect();
    beside.extend(directories.iter().cloned());
    let explicit = around.variable("OS_CLIENT_SECURE_FILE");
    let secure = around.first(explicit, "secure", &beside, &mut Vec::new())?;
    let secret = secure.as_ref().and_then(|(_, it)| it.get("clouds")?.as_object()?.get(name));

    let Some(found) = found.or(secret) else {
        let mut names: Vec<&str> = entries.into_iter().flat_map(|it| it.keys()).map(String::as_str).collect();
        names.sort_unstable();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(fail(format!("{} has no cloud `{name}`. It has: {names}", file.display())));
    };
    let own = found.as_object().cloned().unwrap_or_default();

    let mut values = Map::new();
    // `cloud` is the older word for `profile`.
    if let Some(profile) = own.get("profile").or_else(|| own.get("cloud")).and_then(Value::as_str) {
        merge(&mut values, profile_values(profile, &beside, &fail, around)?);
    }
    merge(&mut values, own);
    if let Some(secret) = secret.and_then(Value::as_object) {
        merge(&mut values, secret.clone());
    }
    Ok(Entry { origin: Origin::Cloud { name: name.to_owned(), file }, values })
}

/// The values of a vendor's profile: an entry of clouds-public.yaml, or a file of its own given by path.
fn profile_values(
    profile: &str,
    directories: &[PathBuf],
    fail: &dyn Fn(String) -> ConfigError,
    around: &Surroundings,
) -> Result<Map<String, Value>, ConfigError> {
    if profile.contains("://") {
        return Err(fail(format!(
            "its profile is the URL {profile}. Profiles are not fetched over the network; \
             copy its values into the entry or into clouds-public.yaml"
        )));
    }
    let is_path =
        profile.contains('/') || [".yaml", ".yml", ".json"].iter().any(|end| profile.ends_with(end));
    if is_path {
        let text = around.read(profile).map_err(|why| fail(format!("its profile {profile}: {why}")))?;
        let file =
            parse(&text).map_err(|why| fail(format!("its profile {profile} is not readable: {why}")))?;
        // Vendors publish {"name": .., "profile": {..}}.
        return Ok(file.get("profile").and_then(Value::as_object).cloned().unwrap_or(file));
    }
    let mut looked = Vec::new();
    let public = around.first(None, "clouds-public", directories, &mut looked)?;
    let found = public
        .as_ref()
        .and_then(|(_, it)| it.get("public-clouds")?.as_object()?.get(profile)?.as_object().cloned());
    found.ok_or_else(|| {
        let place = match &public {
            Some((file, _)) => format!("{} has no such entry", file.display()),
            None => {
                let looked: Vec<_> = looked.iter().map(|it| it.display().to_string()).collect();
                format!("there is no clouds-public.yaml; looked at {}", looked.join(", "))
            }
        };
        fail(format!("its profile `{profile}` is unknown: {place}"))
    })
}

/// Puts `over` on `under`, map by map.
pub(super) fn merge(under: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge(below, above),
            // An empty value in secure.yaml doesn't erase what clouds.yaml says.
            (Some(_), Value::Null) => {}
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}
