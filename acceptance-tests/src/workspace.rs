//! The directory and the name prefix that one scenario has for itself.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::account::{self, Account, Whose};
use crate::cloud::Cloud;
use crate::host::Host;
use crate::plugin::Plugin;
use crate::proxy::Proxy;
use crate::secrets;
use crate::sweep::sweep;
use crate::terraform::Terraform;

/// What every configuration has: where the provider comes from, and the prefix.
pub const TERRAFORM: &str = r#"terraform {
  required_providers {
    tenancy = {
      source = "tenancy/tenancy"
    }
  }
}

# Every name starts with it, so that scenarios do not meet, and what one left behind is found.
variable "prefix" {
  type = string
}
"#;

/// The provider block, unless a scenario writes its own. The account comes from `OS_CLOUD`.
const PROVIDER: &str = "provider \"tenancy\" {}\n";

/// A scenario's own place in the world.
pub struct Workspace {
    /// The cloud's administrator.
    pub cloud: Cloud,
    /// Every name in the cloud starts with it.
    pub prefix: String,
    /// The user that Terraform logs in as.
    pub account: Account,
    /// Terraform in the scenario's directory.
    pub terraform: Terraform,
    /// The provider.
    pub plugin: &'static Plugin,
    /// The account's password and other texts that must never be seen.
    pub secrets: Vec<String>,
    // Held for as long as the scenario runs: nobody else runs it in the same directory.
    _lock: File,
}

impl Workspace {
    /// Makes the directory, and removes what an earlier run left.
    ///
    /// `via` is the proxy at which the provider finds the services, if not at their own URLs.
    pub fn new(name: &str, via: impl FnOnce(&Cloud) -> Result<Option<Proxy>>) -> Result<Self> {
        Self::on(Plugin::get()?.host(), name, Whose::Everyones, via)
    }

    /// The same on a certain host, and with a certain account.
    pub fn on(
        host: &Host,
        name: &str,
        account: Whose,
        via: impl FnOnce(&Cloud) -> Result<Option<Proxy>>,
    ) -> Result<Self> {
        let plugin = Plugin::get()?;
        // Hosts have directories of their own.
        let name = match host.title() == plugin.host().title() {
            true => name.to_owned(),
            false => format!("{name}@{}", host.title().to_lowercase().replace(' ', "-")),
        };
        let mut cloud = Cloud::login(&plugin.clouds, "devcloud")?;
        let lock = File::create(plugin.directory.join(format!("{name}.lock")))?;
        lock.lock()?;
        let directory = plugin.directory.join(name);
        // A run that was killed could not clean up.
        let noted = directory.join("prefix");
        if let Ok(prefix) = fs::read_to_string(&noted) {
            sweep(&cloud, &prefix);
        }
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(&directory)?;
        // Short: names have at most 64 characters.
        let prefix = format!("acc-{}", account::random(6).to_lowercase());
        fs::write(&noted, &prefix)?;
        cloud.prefix.clone_from(&prefix);

        let account = match account {
            Whose::Everyones => Account::everyones(&cloud, &plugin.directory)?,
            Whose::Own => Account::make(&cloud, &prefix)?,
        };
        let proxy = via(&cloud)?;
        let mut entry = json!({
            "region_name": "RegionOne",
            "auth": {
                "auth_url": proxy.as_ref().map_or(&cloud.keystone, |it| &it.url),
                "username": account.name,
                "password": account.password,
                "user_domain_name": "Default",
                "project_name": "admin",
                "project_domain_name": "Default",
            },
        });
        if let Some(proxy) = proxy {
            entry["identity_endpoint_override"] = json!(proxy.url);
            for (kind, url) in proxy.services {
                entry[format!("{}_endpoint_override", kind.replace('-', "_"))] = json!(url);
            }
        }
        // JSON is YAML.
        fs::write(directory.join("clouds.yaml"), format!("{:#}", json!({"clouds": {"tenancy": entry}})))?;
        fs::write(directory.join("terraform.tf"), TERRAFORM)?;
        fs::write(directory.join("provider.tf"), PROVIDER)?;
        let path = |it: PathBuf| it.to_string_lossy().into_owned();
        let environment = BTreeMap::from([
            ("TF_LOG".to_owned(), "trace".to_owned()),
            ("TF_LOG_PATH".to_owned(), path(directory.join("terraform.log"))),
            ("OS_CLIENT_CONFIG_FILE".to_owned(), path(directory.join("clouds.yaml"))),
            ("OS_CLOUD".to_owned(), "tenancy".to_owned()),
        ]);
        let terraform = Terraform::new(host.clone(), directory, environment);
        let mut secrets = vec![account.password.clone()];
        secrets.extend(cloud.federation.as_ref().map(|it| it.client.1.clone()));
        let workspace = Workspace { cloud, prefix, account, terraform, plugin, secrets, _lock: lock };
        workspace.variables(&BTreeMap::new())?;
        Ok(workspace)
    }

    /// The scenario's directory.
    pub fn directory(&self) -> &Path {
        &self.terraform.directory
    }

    /// Sets the variables that the configuration declares, and the prefix.
    pub fn variables(&self, variables: &BTreeMap<String, Value>) -> Result<()> {
        let mut text = String::new();
        for file in configuration_files(self.directory())? {
            text.push_str(&fs::read_to_string(file)?);
        }
        let mut all = json!({});
        for (name, value) in [(&"prefix".to_owned(), &json!(self.prefix))].into_iter().chain(variables) {
            if text.contains(&format!("variable \"{name}\"")) {
                all[name] = value.clone();
            }
        }
        Ok(fs::write(self.directory().join("terraform.tfvars.json"), format!("{all:#}"))?)
    }

    /// Puts the `.tf` files of a folder in the place of those that are there, and queries in the place of queries. Without
    /// any, those stay.
    pub fn configuration(&self, folder: &Path) -> Result<()> {
        let (queries, new): (Vec<_>, Vec<_>) =
            configuration_files(folder)?.into_iter().partition(|it| is_query(it));
        let (old_queries, old): (Vec<_>, Vec<_>) =
            configuration_files(self.directory())?.into_iter().partition(|it| is_query(it));
        if !queries.is_empty() {
            old_queries.iter().try_for_each(fs::remove_file)?;
        }
        for file in queries {
            fs::copy(&file, self.directory().join(file.file_name().unwrap_or_default()))?;
        }
        if new.is_empty() {
            return Ok(());
        }
        old.iter().try_for_each(fs::remove_file)?;
        fs::write(self.directory().join("terraform.tf"), TERRAFORM)?;
        fs::write(self.directory().join("provider.tf"), PROVIDER)?;
        for file in new {
            fs::copy(&file, self.directory().join(file.file_name().unwrap_or_default()))?;
        }
        Ok(())
    }

    /// `terraform init`.
    pub fn init(&self) -> Result<()> {
        let run = self.terraform.run(&["init", "-no-color", "-input=false"])?;
        ensure!(run.code == 0, "terraform init failed\nby hand: {}\n{}", run.command_line, run.text);
        Ok(())
    }

    /// Where logs and states hold a secret.
    pub fn leaks(&self) -> Result<Vec<String>> {
        let mut all = Vec::new();
        for file in ["terraform.log", "terraform.tfstate", "terraform.tfstate.backup", "output.log"] {
            all.extend(secrets::found(&self.directory().join(file), &self.secrets)?);
        }
        Ok(all)
    }

    /// Cleans up after a test, however it ended. What went wrong in the test is told before what could not be removed.
    pub fn end(&self, result: Result<()>) -> Result<()> {
        let left = self.clean()?;
        result?;
        ensure!(left.is_empty(), "these things could not be removed: {}", left.join(", "));
        Ok(())
    }

    /// Destroys and sweeps. Gives what could not be removed.
    pub fn clean(&self) -> Result<Vec<String>> {
        if std::env::var_os("ACCEPTANCE_KEEP").is_some() {
            return Ok(Vec::new());
        }
        let left = sweep(&self.cloud, &self.prefix);
        if left.is_empty() {
            fs::remove_file(self.directory().join("prefix"))
                .context("the note of the prefix cannot be removed")?;
        }
        Ok(left)
    }
}

fn is_query(file: &Path) -> bool {
    file.to_string_lossy().ends_with(".tfquery.hcl")
}

fn configuration_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|it| Ok(it?.path())).collect::<Result<Vec<_>>>()?;
    let name = |it: &PathBuf| it.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let is_one = |it: &String| it.ends_with(".tf") || it.ends_with(".tfquery.hcl");
    Ok(entries.into_iter().filter(|it| is_one(&name(it))).collect())
}
