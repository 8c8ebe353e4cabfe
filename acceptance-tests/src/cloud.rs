//! OpenStack's REST APIs, without the provider's help.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::random;
use crate::login::Federation;

/// The cloud's administrator.
#[derive(Clone)]
pub struct Cloud {
    pub(crate) agent: ureq::Agent,
    /// URL of Keystone.
    pub keystone: String,
    account: Value,
    scope: Value,
    /// Token of the administrator.
    token: Arc<Mutex<String>>,
    /// What the names of users start with who are made for [`Cloud::token_in`].
    pub(crate) prefix: String,
    endpoints: BTreeMap<String, String>,
    /// Names of the services.
    services: BTreeSet<String>,
    /// Where people log in through an identity provider.
    pub federation: Option<Federation>,
    /// Tokens for other projects.
    tokens: Arc<Mutex<BTreeMap<String, String>>>,
}

/// What a service answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, null if it is not JSON.
    pub body: Value,
}

impl Reply {
    /// Reads a reply to its end.
    pub fn from(mut reply: ureq::http::Response<ureq::Body>) -> Result<Self> {
        let headers = reply.headers().iter();
        let headers = headers.map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        Ok(Reply {
            status: reply.status().as_u16(),
            headers: headers.collect(),
            body: serde_json::from_slice(&reply.body_mut().read_to_vec()?).unwrap_or_default(),
        })
    }

    /// Whether the status means success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

#[derive(Deserialize)]
struct Clouds {
    clouds: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    auth: Auth,
    compute_endpoint_override: Option<String>,
}

#[derive(Deserialize)]
struct Auth {
    auth_url: String,
    username: String,
    password: String,
    project_name: Option<String>,
    discovery_endpoint: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// All entries of a `clouds.yaml`.
pub fn entries(clouds: &Path) -> Result<Value> {
    let text = fs::read_to_string(clouds).with_context(|| format!("{} cannot be read", clouds.display()))?;
    let all: Value = serde_saphyr::from_str(&text)?;
    Ok(all["clouds"].clone())
}

/// Entries of a devcloud that stand for a service which is not in the catalog.
const ENTRY: &str = "devcloud-";

impl Cloud {
    /// Logs in as an entry of a `clouds.yaml`: an administrator of the domain Default.
    pub fn login(clouds: &Path, name: &str) -> Result<Self> {
        let text = fs::read_to_string(clouds).with_context(|| {
            format!(
                "there is no cloud to test with ({} cannot be read): `cargo xtask devcloud up`",
                clouds.display()
            )
        })?;
        let mut clouds: Clouds = serde_saphyr::from_str(&text)?;
        let Entry { auth, .. } =
            clouds.clouds.remove(name).with_context(|| format!("clouds.yaml has no {name}"))?;
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(120)))
            .build()
            .into();
        let account = account(&auth.username, &auth.password);
        let mut cloud = Cloud {
            agent,
            keystone: auth.auth_url.trim_end_matches('/').to_owned(),
            account,
            scope: Value::Null,
            token: Arc::default(),
            prefix: String::new(),
            endpoints: BTreeMap::new(),
            services: BTreeSet::new(),
            federation: None,
            tokens: Arc::default(),
        };
        let project = auth.project_name.unwrap_or_else(|| "admin".to_owned());
        cloud.scope = json!({"project": {"name": project, "domain": {"id": "default"}}});
        let (token, body) = cloud.token(&cloud.account, &cloud.scope)?;
        *lock(&cloud.token) = token;
        for service in body.pointer("/token/catalog").and_then(Value::as_array).into_iter().flatten() {
            if let (Ok(kind), Ok(url)) = (text_at(service, "/type"), text_at(service, "/endpoints/0/url")) {
                cloud.endpoints.insert(kind, url.trim_end_matches('/').to_owned());
            }
            cloud.services.extend(text_at(service, "/name").ok());
        }
        for (name, Entry { auth, compute_endpoint_override }) in clouds.clouds {
            let Some(name) = name.strip_prefix(ENTRY) else { continue };
            cloud.services.insert(name.to_owned());
            if let Some(url) = compute_endpoint_override {
                cloud.endpoints.insert(format!("compute-{}", name.trim_start_matches("nova-")), url);
            }
            if let (Some(discovery), Some(id), Some(secret)) =
                (auth.discovery_endpoint, auth.client_id, auth.client_secret)
            {
                cloud.federation = Some(Federation {
                    issuer: discovery.trim_end_matches("/.well-known/openid-configuration").to_owned(),
                    keystone: auth.auth_url,
                    client: (id, secret),
                });
            }
        }
        Ok(cloud)
    }

    /// Whether a user of the domain Default can log in.
    pub(crate) fn knows(&self, name: &str, password: &str) -> Result<bool> {
        Ok(self.ask_for_token(&account(name, password), &self.scope)?.is_success())
    }

    fn ask_for_token(&self, account: &Value, scope: &Value) -> Result<Reply> {
        let identity = json!({"methods": ["password"], "password": {"user": account}});
        let body = json!({"auth": {"identity": identity, "scope": scope}});
        let url = format!("{}/auth/tokens", self.keystone);
        self.send("POST", &url, None, &BTreeMap::new(), Some(&body))
    }

    fn token(&self, account: &Value, scope: &Value) -> Result<(String, Value)> {
        let reply = self.ask_for_token(account, scope)?;
        ensure!(
            reply.is_success(),
            "the login for {scope} was answered with {}: {}",
            reply.status,
            reply.body
        );
        let token = reply.headers.get("x-subject-token").context("the login's reply has no token")?;
        Ok((token.clone(), reply.body))
    }

    /// Makes a user in the domain Default. Gives the id.
    pub fn make_user(&self, name: &str, password: &str) -> Result<String> {
        let user = json!({"user": {"name": name, "domain_id": "default", "password": password}});
        text_at(&self.ask("POST identity /users", Some(&user))?, "/user/id")
    }

    /// Gives a user a role, which is named, on `/system` or on `/projects/` with an id.
    pub fn grant(&self, user_id: &str, role: &str, on: &str) -> Result<()> {
        let role = text_at(&self.ask(&format!("GET identity /roles?name={role}"), None)?, "/roles/0/id")?;
        self.ask(&format!("PUT identity {on}/users/{user_id}/roles/{role}"), None).map(drop)
    }

    /// A token for a project, of a user who is made for that: what takes a project away ends all tokens of those who had
    /// a role on it.
    pub fn token_in(&self, project_id: &str) -> Result<String> {
        let mut tokens = lock(&self.tokens);
        if let Some(token) = tokens.get(project_id) {
            return Ok(token.clone());
        }
        let (name, password) = (format!("{}-inside-{}", self.prefix, tokens.len()), random(24));
        let user = self.make_user(&name, &password)?;
        self.grant(&user, "admin", &format!("/projects/{project_id}"))?;
        let scope = json!({"project": {"id": project_id}});
        let (token, _) = self.token(&account(&name, &password), &scope)?;
        tokens.insert(project_id.to_owned(), token.clone());
        Ok(token)
    }

    /// The URL of a service, with the version that scenarios speak.
    pub fn url(&self, service: &str) -> Result<String> {
        let missing = || format!("the cloud has no {service}");
        let url = self.endpoints.get(service).with_context(missing)?;
        Ok(match service {
            "identity" => format!("{}/v3", url.trim_end_matches("/v3")),
            "image" => format!("{}/v2", url.trim_end_matches("/v2")),
            "network" => format!("{}/v2.0", url.trim_end_matches("/v2.0")),
            "load-balancer" => format!("{}/v2", url.trim_end_matches("/v2")),
            "dns" => format!("{url}/v2"),
            "key-manager" => format!("{url}/v1"),
            // Whose account it is, the path says.
            "object-store" => url.split("/AUTH_").next().unwrap_or_default().to_owned(),
            // Whose stacks, likewise.
            "orchestration" => url.rsplit_once('/').map_or(url.as_str(), |(url, _)| url).to_owned(),
            _ => url.clone(),
        })
    }

    /// The services that the cloud has, by type, with their URLs.
    pub fn endpoints(&self) -> &BTreeMap<String, String> {
        &self.endpoints
    }

    /// Whether the cloud has a service, by its name in the devcloud.
    pub fn has(&self, service: &str) -> bool {
        self.services.contains(service)
    }

    /// Sends `METHOD service path` and gives the reply, whatever its status.
    pub fn request(
        &self,
        line: &str,
        token: Option<&str>,
        headers: &BTreeMap<String, String>,
        body: Option<&Value>,
    ) -> Result<Reply> {
        let parts: Vec<&str> = line.split_whitespace().collect();
        let [method, service, path] = parts[..] else {
            bail!("`{line}` is no request: METHOD service path, such as GET identity /projects");
        };
        let url = format!("{}{path}", self.url(service)?);
        if let Some(token) = token {
            return self.send(method, &url, Some(token), headers, body);
        }
        // When another scenario takes away a role or a project of the administrator's, more tokens end than one would think,
        // and for a second new ones as well.
        let token = lock(&self.token).clone();
        let mut reply = self.send(method, &url, Some(&token), headers, body)?;
        for _ in 0..5 {
            if reply.status != 401 {
                break;
            }
            sleep(Duration::from_secs(1));
            let (token, _) = self.token(&self.account, &self.scope)?;
            lock(&self.token).clone_from(&token);
            reply = self.send(method, &url, Some(&token), headers, body)?;
        }
        Ok(reply)
    }

    /// The body of the reply to `METHOD service path`, which must mean success.
    pub fn ask(&self, line: &str, body: Option<&Value>) -> Result<Value> {
        let reply = self.request(line, None, &BTreeMap::new(), body)?;
        ensure!(reply.is_success(), "{line} was answered with {}: {}", reply.status, reply.body);
        Ok(reply.body)
    }

    pub(crate) fn send(
        &self,
        method: &str,
        url: &str,
        token: Option<&str>,
        headers: &BTreeMap<String, String>,
        body: Option<&Value>,
    ) -> Result<Reply> {
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(token) = token {
            request = request.header("x-auth-token", token);
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.header("content-type", "application/json").body(body)?;
        Reply::from(self.agent.run(request).with_context(|| format!("{method} {url} failed"))?)
    }
}

/// A user of the domain Default, in the words of a login.
fn account(name: &str, password: &str) -> Value {
    json!({"name": name, "password": password, "domain": {"id": "default"}})
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The text at a JSON pointer.
pub fn text_at(value: &Value, pointer: &str) -> Result<String> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.map(str::to_owned).with_context(|| format!("there is no {pointer} in {value}"))
}
