//! Tokens: one login per credential and scope, shared by all, renewed when it must be.

mod oidc;

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::auth::{Credential, LoginScope, ProjectRef, token_identity};
use super::catalog::{Catalog, versions};
use super::cloud::Shared;
use super::config::DomainRef;
use super::error::{Error, LoginError, Result};
use super::transport::{Outgoing, Payload, Repeat, Reply, sensitive};

/// A token that was issued this short a time ago is brand-new.
///
/// Keystone's revocations have a resolution of a second: a token from the second in which its user was put into
/// a group is revoked at once. Another login in the next second helps.
const BRAND_NEW: Duration = Duration::from_secs(2);
/// For how long a rejected login is not tried again. Keystone may lock the account after a few failures.
const REJECTED: Duration = Duration::from_secs(30);

/// The login of one scope.
pub(crate) struct Session {
    scope: LoginScope,
    current: RwLock<Option<Arc<Login>>>,
    /// Held by the one who logs in.
    gate: tokio::sync::Mutex<()>,
    failure: Mutex<Option<(Instant, Error)>>,
}

/// A token, and what Keystone says about it. `Debug` doesn't show the token.
#[derive(Clone, Debug)]
pub struct Login {
    token: SecretString,
    header: HeaderValue,
    received: Instant,
    life: Option<Duration>,
    /// Id of the user.
    pub user_id: String,
    /// Name of the user.
    pub user_name: String,
    /// Id of the project, if the token is for one.
    pub project_id: Option<String>,
    /// Name of that project.
    pub project_name: Option<String>,
    /// Id of the domain, if the token is for one.
    pub domain_id: Option<String>,
    /// Whether the token is for the system.
    pub is_system: bool,
    /// Names of the roles that the token carries.
    pub roles: Vec<String>,
    /// When the token ends, as Keystone writes times: RFC 3339 in UTC.
    pub expires_at: String,
    /// Where the services are.
    pub catalog: Catalog,
    /// What the token is for, by names as well; used to see if it is the scope that was asked for.
    project: Option<Named>,
    domain: Option<Named>,
}

#[derive(Clone, Debug, Deserialize)]
struct Named {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    domain: Option<Box<Named>>,
}

/// The body of a token's description.
#[derive(Deserialize)]
struct Body {
    user: Named,
    #[serde(default)]
    project: Option<Named>,
    #[serde(default)]
    domain: Option<Named>,
    #[serde(default)]
    system: Option<Value>,
    #[serde(default)]
    roles: Vec<Named>,
    #[serde(default)]
    catalog: Vec<super::catalog::Entry>,
    #[serde(default)]
    issued_at: String,
    #[serde(default)]
    expires_at: String,
}

impl Login {
    fn new(token: SecretString, header: HeaderValue, body: Body, given: bool) -> Self {
        let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
        // A token that was given may be old already. Only its end counts, by our clock.
        let from = if given { Some(jiff::Timestamp::now()) } else { time(&body.issued_at) };
        let life = match (from, time(&body.expires_at)) {
            (Some(from), Some(to)) => Some(Duration::try_from(to.duration_since(from)).unwrap_or_default()),
            _ => None,
        };
        Self {
            token,
            header,
            received: Instant::now(),
            life,
            user_id: body.user.id,
            user_name: body.user.name,
            project_id: body.project.as_ref().map(|it| it.id.clone()),
            project_name: body.project.as_ref().map(|it| it.name.clone()),
            domain_id: body.domain.as_ref().map(|it| it.id.clone()),
            is_system: body.system.is_some(),
            roles: body.roles.into_iter().map(|it| it.name).collect(),
            expires_at: body.expires_at,
            catalog: Catalog::new(body.catalog),
            project: body.project,
            domain: body.domain,
        }
    }

    /// The token itself.
    pub fn token(&self) -> &SecretString {
        &self.token
    }

    pub(crate) fn header(&self) -> &HeaderValue {
        &self.header
    }

    fn age(&self) -> Duration {
        self.received.elapsed()
    }

    /// Whether four fifths of its life are over.
    fn is_old(&self) -> bool {
        self.life.is_some_and(|it| self.age() > it.mul_f64(0.8))
    }

    fn is_over(&self) -> bool {
        self.life.is_some_and(|it| self.age() >= it)
    }

    /// Whether this is what a scope asks for.
    fn is_for(&self, scope: &LoginScope) -> bool {
        let domain_is = |it: &Named, wanted: &DomainRef| match wanted {
            DomainRef::Id(id) => it.id == *id,
            DomainRef::Name(name) => it.name.eq_ignore_ascii_case(name),
        };
        match scope {
            LoginScope::Unscoped => true,
            LoginScope::System => self.is_system,
            LoginScope::Trust(_) => false,
            LoginScope::Domain(wanted) => self.domain.as_ref().is_some_and(|it| domain_is(it, wanted)),
            LoginScope::Project(ProjectRef::Id(id)) => self.project_id.as_ref() == Some(id),
            LoginScope::Project(ProjectRef::Name { name, domain }) => {
                self.project.as_ref().is_some_and(|it| {
                    it.name.eq_ignore_ascii_case(name)
                        && it.domain.as_ref().is_some_and(|it| domain_is(it, domain))
                })
            }
        }
    }
}

impl Session {
    pub fn new(scope: LoginScope) -> Self {
        Self {
            scope,
            current: RwLock::default(),
            gate: tokio::sync::Mutex::default(),
            failure: Mutex::default(),
        }
    }

    pub fn scope(&self) -> &LoginScope {
        &self.scope
    }

    fn current(&self) -> Option<Arc<Login>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A token that is good as far as we know.
    pub async fn login(&self, shared: &Shared, cancel: &CancellationToken) -> Result<Arc<Login>> {
        match self.current() {
            Some(it) if !it.is_old() => Ok(it),
            // Nothing can be had ahead of time for a token that was given.
            Some(it) if !it.is_over() && matches!(shared.config.credential, Credential::Token(_)) => Ok(it),
            Some(old) => match self.renew(&old, shared, cancel).await {
                Err(why) if !old.is_over() && !why.is_cancelled() => {
                    tracing::warn!(target: "tenancy::http", %why, "the token could not be renewed ahead of time");
                    Ok(old)
                }
                other => other,
            },
            None => self.pass(None, shared, cancel).await,
        }
    }

    /// Another token than the one that wasn't accepted. Whoever comes first gets it for all.
    pub async fn renew(
        &self,
        used: &Arc<Login>,
        shared: &Shared,
        cancel: &CancellationToken,
    ) -> Result<Arc<Login>> {
        self.pass(Some(used), shared, cancel).await
    }

    /// A token that nobody else has.
    pub async fn separate(&self, shared: &Shared, cancel: &CancellationToken) -> Result<Arc<Login>> {
        Authenticator { shared, scope: &self.scope, cancel, separate: true }.login().await
    }

    async fn pass(
        &self,
        used: Option<&Arc<Login>>,
        shared: &Shared,
        cancel: &CancellationToken,
    ) -> Result<Arc<Login>> {
        let asked = Instant::now();
        let _gate = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Error::Cancelled { doing: "log in".into() }),
            gate = self.gate.lock() => gate,
        };
        match (self.current(), used) {
            (Some(current), None) => return Ok(current),
            (Some(current), Some(used)) if !Arc::ptr_eq(&current, used) => return Ok(current),
            _ => {}
        }
        // Those who waited while somebody was rejected are told the same, and so is who comes soon after.
        if let Some((at, why)) = &*self.failure.lock().unwrap_or_else(PoisonError::into_inner)
            && (*at >= asked || (matches!(why, Error::Login(_)) && at.elapsed() < REJECTED))
        {
            return Err(why.clone());
        }
        if used.is_some_and(|it| it.age() < BRAND_NEW) {
            tokio::select! {
                () = cancel.cancelled() => return Err(Error::Cancelled { doing: "log in".into() }),
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
        let result = Authenticator { shared, scope: &self.scope, cancel, separate: false }.login().await;
        match &result {
            Ok(login) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(login.clone());
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = None;
            }
            // Who cancelled speaks for itself only.
            Err(why) if why.is_cancelled() => {}
            Err(why) => {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some((Instant::now(), why.clone()));
            }
        }
        result
    }
}

/// One login, by whatever method.
struct Authenticator<'a> {
    shared: &'a Shared,
    scope: &'a LoginScope,
    cancel: &'a CancellationToken,
    /// Whether the token is to be another than any that was given.
    separate: bool,
}

impl Authenticator<'_> {
    async fn login(&self) -> Result<Arc<Login>> {
        let config = &self.shared.config;
        let credential = &config.credential;
        if credential.is_bound() && *self.scope != config.scope {
            return Err(self.rejected(
                "it is bound to one project; another scope needs a password or other credentials",
                &Rejection::default(),
            ));
        }
        let login = match credential {
            Credential::Token(token) if self.separate => self.post(token_identity(token)).await?,
            Credential::Token(token) => self.with_given_token(token).await?,
            Credential::Oidc { identity_provider, protocol, grant } => {
                let access = oidc::access_token(self, grant).await?;
                let path =
                    ["OS-FEDERATION", "identity_providers", identity_provider, "protocols", protocol, "auth"];
                let mut headers = HeaderMap::new();
                let bearer = SecretString::from(format!("Bearer {}", access.expose_secret()));
                headers.insert("authorization", self.header(&bearer)?);
                let reply = self.keystone(Method::POST, &path, headers, Payload::None, None).await?;
                let unscoped = self.issued(reply)?;
                match self.scope {
                    LoginScope::Unscoped => unscoped,
                    _ => self.post(token_identity(&unscoped.token)).await?,
                }
            }
            other => match other.identity() {
                Some(identity) => self.post(identity).await?,
                None => return Err(self.rejected("this method is not supported", &Rejection::default())),
            },
        };
        tracing::debug!(
            target: "tenancy::http", user = login.user_id, scope = %self.scope, expires = login.expires_at,
            "logged in"
        );
        Ok(Arc::new(login))
    }

    async fn post(&self, identity: Value) -> Result<Login> {
        let mut auth = json!({"identity": identity});
        if let Some(scope) = self.scope.body() {
            auth["scope"] = scope;
        }
        let body = json!({"auth": auth});
        let path = ["auth", "tokens"];
        let reply = self.keystone(Method::POST, &path, HeaderMap::new(), Payload::Json(&body), None).await?;
        self.issued(reply)
    }

    /// Uses a given token as it is if it is for the scope that is wanted, else gets another with it.
    async fn with_given_token(&self, token: &SecretString) -> Result<Login> {
        let header = self.header(token)?;
        let mut headers = HeaderMap::new();
        headers.insert("x-auth-token", header.clone());
        headers.insert("x-subject-token", header.clone());
        let path = ["auth", "tokens"];
        let lost = || Error::TokenExpired { url: self.shared.config.keystone.to_string() };
        let reply = self.keystone(Method::GET, &path, headers, Payload::None, Some(&lost)).await?;
        let login = Login::new(token.clone(), header, reply.json_of("token")?, true);
        if login.is_for(self.scope) {
            return Ok(login);
        }
        self.post(token_identity(token)).await
    }

    fn header(&self, secret: &SecretString) -> Result<HeaderValue> {
        let why = "the token has characters that no token has";
        sensitive(secret).ok_or_else(|| self.rejected(why, &Rejection::default()))
    }

    fn issued(&self, reply: Reply) -> Result<Login> {
        let token: Option<SecretString> = reply.header("x-subject-token").map(Into::into);
        let Some(token) = token else {
            return Err(self.not_keystone("a login was answered without a token".into()));
        };
        let header = self.header(&token)?;
        Ok(Login::new(token, header, reply.json_of("token")?, false))
    }

    /// Sends to Keystone without a token of ours, and reads what a failure means for a login.
    async fn keystone(
        &self,
        method: Method,
        path: &[&str],
        headers: HeaderMap,
        body: Payload<'_>,
        on_unknown_token: Option<&(dyn Fn() -> Error + Sync)>,
    ) -> Result<Reply> {
        let root = self.shared.keystone(self.cancel).await?;
        let mut url = root.clone();
        push(&mut url, path);
        let reply = self.send(method, url, "identity", headers, body).await?;
        let status = reply.status;
        if status.is_success() {
            return Ok(reply);
        }
        let Error::Status(error) = self.shared.transport.error(reply) else {
            return Err(self.not_keystone(format!("it answered {status}")));
        };
        let native = error.native;
        if let (Some(lost), StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND, true) =
            (on_unknown_token, status, native)
        {
            return Err(lost());
        }
        match status.as_u16() {
            401 | 403 if native => Err(self.rejected(&error.message, &Rejection::of(&error))),
            // Another service or a wrong path may answer as Keystone does. Its versions tell.
            400 | 404 if native && self.shared.is_keystone(self.cancel).await? => {
                Err(self.rejected(&error.message, &Rejection::of(&error)))
            }
            300..=499 if status != StatusCode::TOO_MANY_REQUESTS => {
                Err(self.not_keystone(format!("a login was answered with status {}", status.as_u16())))
            }
            _ => Err(Error::Status(error)),
        }
    }

    async fn send(
        &self,
        method: Method,
        url: Url,
        service: &'static str,
        headers: HeaderMap,
        body: Payload<'_>,
    ) -> Result<Reply> {
        let out = Outgoing {
            method,
            route: if service == "identity" { "/v3/auth/tokens".into() } else { format!("{service} token") },
            url,
            service,
            doing: "log in",
            headers,
            body,
            timeout: None,
            repeat: Repeat::Always,
        };
        self.shared.transport.send(&out, self.cancel).await
    }

    fn not_keystone(&self, why: String) -> Error {
        Error::NotKeystone { url: self.shared.config.keystone.to_string(), why }
    }

    fn rejected(&self, message: &str, rejection: &Rejection) -> Error {
        Error::Login(Box::new(LoginError {
            who: self.shared.config.credential.to_string(),
            scope: self.scope.to_string(),
            url: rejection.url.clone().unwrap_or_else(|| self.shared.config.keystone.to_string()),
            status: rejection.status,
            message: message.to_owned(),
            request_id: rejection.request_id.clone(),
        }))
    }
}

/// The circumstances of a rejection.
#[derive(Default)]
struct Rejection {
    status: Option<u16>,
    request_id: Option<String>,
    url: Option<String>,
}

impl Rejection {
    fn of(error: &super::error::StatusError) -> Self {
        Self { status: Some(error.status), request_id: error.attempt.request_id.clone(), url: None }
    }
}

/// Appends segments, encoded.
pub(crate) fn push(url: &mut Url, segments: &[&str]) {
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
}

impl Shared {
    /// Keystone's URL with the version: asked for unless the configured URL has it.
    pub async fn keystone(&self, cancel: &CancellationToken) -> Result<&Url> {
        self.keystone
            .get_or_try_init(|| async {
                let mut v3 = self.config.keystone.clone();
                push(&mut v3, &["v3"]);
                if self.config.version_given || self.is_keystone(cancel).await? {
                    return Ok(v3);
                }
                let url = self.config.keystone.to_string();
                Err(Error::NotKeystone { url, why: "it lists no version of the identity API v3".into() })
            })
            .await
    }

    /// Whether a list of versions at the root, or the description of v3, says that this is Keystone.
    ///
    /// The links in those documents aren't followed: behind a proxy they often point nowhere.
    async fn is_keystone(&self, cancel: &CancellationToken) -> Result<bool> {
        let root = self.config.keystone.clone();
        let mut v3 = root.clone();
        push(&mut v3, &["v3"]);
        for url in [root, v3] {
            let out = Outgoing {
                method: Method::GET,
                url,
                route: "/".into(),
                service: "identity",
                doing: "find Keystone's versions",
                headers: HeaderMap::new(),
                body: Payload::None,
                timeout: None,
                repeat: Repeat::ByMethod,
            };
            let reply = match self.transport.send(&out, cancel).await {
                // The root of a host with a path prefix may well be a redirect to a dashboard.
                Err(Error::Redirect { .. }) => continue,
                other => other?,
            };
            if let Ok(document) = reply.json::<Value>()
                && versions::has_identity_v3(&document) == Some(true)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
