//! What a scenario folder holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::account::Whose;
use crate::host::Feature;

/// A folder of steps.
#[derive(Debug)]
pub struct Scenario {
    /// Name of the folder.
    pub name: String,
    /// The steps, in the order of their names.
    pub steps: Vec<Step>,
}

/// A folder with a `step.yaml` and, if the configuration changes, with `.tf` files.
#[derive(Debug)]
pub struct Step {
    /// Name of the folder.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// What `step.yaml` says.
    pub script: Script,
}

/// What `step.yaml` says. The order of the fields is the order in which things are done.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// What the step shows, in a sentence.
    pub shows: String,
    /// Services beyond those that every devcloud has, by their names there. The scenario fails at once without them.
    #[serde(default)]
    pub needs: BTreeSet<String>,
    /// What the host must be able to do. On one that cannot, the step is left out, and the table at the end says so.
    #[serde(default)]
    pub host: BTreeSet<Feature>,
    /// `all`: the scenario runs on every host, and not only on the first.
    #[serde(default)]
    pub hosts: Hosts,
    /// Variables of the configuration. They stay for the following steps.
    #[serde(default)]
    pub variables: BTreeMap<String, Value>,
    /// Requests sent to the cloud first: what happens behind Terraform's back.
    #[serde(default)]
    pub before: Vec<Request>,
    /// What goes wrong between provider and cloud during this step.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// What Terraform is to do.
    #[serde(default)]
    pub run: Command,
    /// For `run: import`: address -> import id.
    #[serde(default)]
    pub import: BTreeMap<String, String>,
    /// For `run: query`: whether configuration is generated for what is found, in `generated.tf`. The next step has it.
    #[serde(default)]
    pub generate: bool,
    /// For `run: query`: what must be found, by address: for each object its `display_name`, `identity` and
    /// `resource_object`.
    #[serde(default)]
    pub found: BTreeMap<String, Value>,
    /// For `run: invoke`: the action.
    pub invoke: Option<String>,
    /// Texts in what the host writes.
    #[serde(default)]
    pub says: Vec<String>,
    /// What the plan must say, address -> action and attributes: everything that it changes, and nothing else.
    pub plan: Option<BTreeMap<String, String>>,
    /// The errors. All that come must be named here.
    #[serde(default)]
    pub errors: Vec<Message>,
    /// The warnings. All that come must be named here.
    #[serde(default)]
    pub warnings: Vec<Message>,
    /// Whether the next plan, right after a successful apply, has no changes.
    #[serde(default = "yes")]
    pub settles: bool,
    /// Values in the state afterwards, by address. `absent` instead of values: not in the state.
    #[serde(default)]
    pub state: BTreeMap<String, Value>,
    /// Outputs afterwards.
    #[serde(default)]
    pub outputs: BTreeMap<String, Value>,
    /// Requests sent to the cloud at the end, with what it must answer.
    #[serde(default)]
    pub cloud: Vec<Request>,
    /// How often the provider must have sent requests in this step. Only in scenarios with faults.
    #[serde(default)]
    pub requests: BTreeMap<String, usize>,
}

fn yes() -> bool {
    true
}

/// On which hosts a scenario runs.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Hosts {
    /// The first.
    #[default]
    First,
    /// All.
    All,
}

/// What Terraform is to do in a step.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// Plan, apply the plan, and plan again.
    #[default]
    Apply,
    /// Plan only.
    Plan,
    /// Validate only.
    Validate,
    /// Destroy everything.
    Destroy,
    /// `terraform import`.
    Import,
    /// `terraform query`.
    Query,
    /// Invokes an action.
    Invoke,
    /// Nothing.
    Nothing,
}

/// An error or a warning.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Texts in it.
    pub says: Vec<String>,
    /// Where it points: `tenancy_tenant_project.web.name`, `provider.tenancy.password`, or a block without an attribute.
    pub at: Option<String>,
}

/// A request to one of the cloud's services, or a login.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// `METHOD service path`, such as `GET identity /projects/${tenancy_tenant_project.web.id}`.
    pub request: Option<String>,
    /// Instead of a request: somebody logs in through an identity provider. The reply is Keystone's, with the token.
    pub login: Option<Value>,
    /// Body.
    pub body: Option<Value>,
    /// Sent with a token for this project instead of the administrator's own.
    pub in_project: Option<String>,
    /// Sent with this token.
    pub token: Option<String>,
    /// Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The status of the reply. Without it any that means success.
    pub status: Option<u16>,
    /// Whether it is as well if what it makes is there already, which the reply 409 says.
    #[serde(default)]
    pub unless_there: bool,
    /// What the reply holds, at least.
    pub expect: Option<Value>,
    /// Asked again until the reply is the expected one.
    #[serde(default)]
    pub eventually: bool,
    /// Values to remember: name -> path in the reply such as `project.id`, or `header x-subject-token`.
    #[serde(default)]
    pub save: BTreeMap<String, String>,
}

/// Something that goes wrong between provider and cloud.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// `METHOD path-regex`, matched against the whole path. Paths of other services than Keystone begin with their type.
    pub on: String,
    /// The service never sees the request, the provider gets this status.
    pub answer: Option<u16>,
    /// Seconds for `Retry-After` in that answer.
    pub retry_after: Option<u64>,
    /// The service acts on the request, and the connection breaks before the reply.
    #[serde(default)]
    pub lose_reply: bool,
    /// How often. Without it: every time.
    pub times: Option<usize>,
}

impl Scenario {
    /// Reads a scenario.
    pub fn read(folder: &Path) -> Result<Self> {
        let name = name_of(folder)?;
        ensure!(
            folder.join("README.md").is_file(),
            "the scenario {name} has no README.md that says what it shows"
        );
        let mut steps = Vec::new();
        for folder in folders(folder)? {
            let path = folder.join("step.yaml");
            let text =
                fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            let script =
                serde_saphyr::from_str(&text).with_context(|| format!("{} is wrong", path.display()))?;
            steps.push(Step { name: name_of(&folder)?, folder, script });
        }
        ensure!(!steps.is_empty(), "the scenario {name} has no steps");
        Ok(Scenario { name, steps })
    }

    /// Names of all scenarios below a folder.
    pub fn names(folder: &Path) -> Result<Vec<String>> {
        folders(folder)?.iter().map(|it| name_of(it)).collect()
    }

    /// The services beyond the base that its steps need.
    pub fn needs(&self) -> BTreeSet<&str> {
        self.steps.iter().flat_map(|step| &step.script.needs).map(String::as_str).collect()
    }

    /// Whether it runs on every host.
    pub fn is_for_all_hosts(&self) -> bool {
        self.steps.iter().any(|step| step.script.hosts == Hosts::All)
    }

    /// Whose account Terraform uses: its own, where a request says anything about the account.
    pub fn account(&self) -> Whose {
        let scripts = self.steps.iter().map(|step| &step.script);
        let mut requests = scripts.flat_map(|it| it.before.iter().chain(&it.cloud));
        let own = |it: &Request| it.request.as_ref().is_some_and(|it| it.contains("/users/${account}"));
        if requests.any(own) { Whose::Own } else { Whose::Everyones }
    }

    /// Whether a step wants something to go wrong, or requests to be counted.
    pub fn needs_proxy(&self) -> bool {
        self.steps.iter().any(|step| !step.script.faults.is_empty() || !step.script.requests.is_empty())
    }
}

fn name_of(folder: &Path) -> Result<String> {
    match folder.file_name().and_then(|it| it.to_str()) {
        Some(name) => Ok(name.to_owned()),
        None => bail!("{} has no name that can be read", folder.display()),
    }
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            all.push(path);
        }
    }
    all.sort();
    Ok(all)
}
