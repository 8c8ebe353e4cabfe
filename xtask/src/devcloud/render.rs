//! Configuration files from their templates.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value, context};

use super::debian;
use super::paths::{Paths, digest, files};
use super::python::Python;
use super::services::Service;
use super::state::State;

/// Password of every user that the devcloud makes. It listens on the loopback interface only.
pub const PASSWORD: &str = "devcloud";
/// Secret of Keystone's client at the OpenID Connect provider. Unlike the password it is no word of anything else, so
/// that a search for it finds nothing but it.
const CLIENT_SECRET: &str = "devcloud-oidc-client-secret";
/// The one region.
pub const REGION: &str = "RegionOne";

/// Knows what templates may name.
#[derive(Debug)]
pub struct Renderer<'a> {
    paths: &'a Paths,
    environment: Environment<'static>,
    values: Value,
}

impl<'a> Renderer<'a> {
    /// For a cloud with these ports and options.
    pub fn new(paths: &'a Paths, python: &Python, state: &State) -> Result<Self> {
        let mut environment = Environment::new();
        let templates = paths.source.join("config");
        environment.set_loader(move |name| match fs::read_to_string(templates.join(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, name.to_owned())
                .with_source(error)),
        });
        // A name that is not known is a mistake, not an empty string.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax =
            SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
        environment.set_syntax(syntax?);
        let port = state.port("mariadb");
        environment.add_function("database", move |name: &str| {
            format!("mysql+pymysql://root@127.0.0.1:{port}/{name}?charset=utf8mb4")
        });
        let ports: BTreeMap<String, u16> =
            super::services::PORTS.iter().map(|name| (name.replace('-', "_"), state.port(name))).collect();
        let values = context! {
            state => paths.state.display().to_string(),
            source => paths.source.display().to_string(),
            venv => python.venv.display().to_string(),
            python => python.program("python").display().to_string(),
            keystone => keystone(state),
            password => PASSWORD,
            client_secret => CLIENT_SECRET,
            region => REGION,
            port => ports,
            extras => state.extras.iter().cloned().collect::<Vec<_>>(),
            apache => paths.cache.join("debian").join(debian::APACHE.name).display().to_string(),
            user => name_of("-un"),
            group => name_of("-gn"),
        };
        Ok(Self { paths, environment, values })
    }

    fn values(&self, service: &str) -> Value {
        let etc = self.paths.etc(service).display().to_string();
        context! { etc, ..self.values.clone() }
    }

    /// Renders a short text, such as an argument of a command.
    pub fn text(&self, service: &str, text: &str) -> Result<String> {
        self.environment.render_str(text, self.values(service)).with_context(|| format!("template {text}"))
    }

    /// A service's configuration files: name and content.
    pub fn configuration(&self, service: &Service, python: &Python) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut rendered = BTreeMap::new();
        for shipped in service.shipped {
            let file = python.venv.join(shipped);
            let name = Path::new(shipped).file_name().unwrap_or_default().to_string_lossy().into_owned();
            rendered
                .insert(name, fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?);
        }
        let directory = self.paths.source.join("config").join(service.name);
        // Not every service needs a configuration.
        for file in if directory.exists() { files(&directory)? } else { Vec::new() } {
            let name = file.strip_prefix(&directory)?.to_string_lossy().into_owned();
            let template = self.environment.get_template(&format!("{}/{name}", service.name))?;
            let text =
                template.render(self.values(service.name)).with_context(|| file.display().to_string())?;
            rendered.insert(name, text.into_bytes());
        }
        Ok(rendered)
    }
}

/// Digest of what a service runs with.
pub fn configuration_digest(configuration: &BTreeMap<String, Vec<u8>>, others: &[&[u8]]) -> String {
    digest(
        configuration
            .iter()
            .flat_map(|(name, content)| [name.as_bytes(), content])
            .chain(others.iter().copied()),
    )
}

/// Writes a service's configuration.
pub fn write(paths: &Paths, service: &str, configuration: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    for (name, content) in configuration {
        let file = paths.etc(service).join(name);
        if let Some(directory) = file.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(&file, content).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// Keystone's own address.
pub fn keystone(state: &State) -> String {
    format!("http://127.0.0.1:{}/v3", state.port("keystone"))
}

fn name_of(option: &str) -> String {
    let output = Command::new("id").arg(option).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
