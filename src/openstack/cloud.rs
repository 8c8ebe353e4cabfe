//! The handle that everything goes through, and how a call becomes a request.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::auth::LoginScope;
use super::catalog::versions::{self, Range, Version};
use super::catalog::{self, Catalog, Service};
use super::collection::Collection;
use super::config::Config;
use super::error::{Error, Result};
use super::identity::{Reads, RoleCache};
use super::quota;
use super::session::{Login, Session, push};
use super::transport::{Outgoing, Payload, Repeat, Reply, Transport};

/// A cloud, as one account sees it. Cheap to clone: all clones share logins, connections and limits.
#[derive(Clone)]
pub struct Cloud {
    pub(crate) shared: Arc<Shared>,
    session: Arc<Session>,
    cancel: CancellationToken,
    /// How many requests went through this handle and those made from it, where somebody wants to know.
    sent: Option<Arc<AtomicU64>>,
}

/// What all handles to one cloud share.
pub(crate) struct Shared {
    pub config: Config,
    pub transport: Transport,
    /// Keystone's URL with the version.
    pub keystone: OnceCell<Url>,
    sessions: Mutex<HashMap<LoginScope, Arc<Session>>>,
    ranges: Mutex<HashMap<Service, Arc<OnceCell<Range>>>>,
    pub roles: RoleCache,
    /// By scope: another scope may see other quotas.
    quotas: Mutex<HashMap<LoginScope, Arc<quota::Kept>>>,
    /// By scope as well.
    reads: Mutex<HashMap<LoginScope, Arc<Reads>>>,
    /// The projects that the account can log in to.
    pub entrances: Collection<String, ()>,
    /// Held by who deletes identity providers or protocols.
    pub federation: tokio::sync::Mutex<()>,
    /// Ids of what this very process created: such an object was not left by an earlier run.
    created: Mutex<HashSet<String>>,
    /// What one call at a time may do, by name.
    alone: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl std::fmt::Debug for Cloud {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cloud")
            .field("keystone", &self.shared.config.keystone.as_str())
            .field("scope", self.session.scope())
            .finish_non_exhaustive()
    }
}

impl Cloud {
    /// A handle for this configuration. Nothing is sent yet; the first call logs in.
    ///
    /// # Errors
    /// [`Error::Config`], if certificates can't be used.
    pub fn new(config: Config) -> Result<Self> {
        let session = Arc::new(Session::new(config.scope.clone()));
        let sessions = HashMap::from([(config.scope.clone(), session.clone())]);
        let shared = Shared {
            transport: Transport::new(&config)?,
            keystone: OnceCell::new(),
            sessions: Mutex::new(sessions),
            ranges: Mutex::default(),
            roles: Default::default(),
            quotas: Mutex::default(),
            reads: Mutex::default(),
            entrances: Collection::default(),
            federation: Default::default(),
            created: Mutex::default(),
            alone: Mutex::default(),
            config,
        };
        Ok(Self { shared: Arc::new(shared), session, cancel: CancellationToken::new(), sent: None })
    }

    /// The same account, with a token for another scope. Such a login is made once and kept as well.
    pub fn scoped(&self, scope: impl Into<LoginScope>) -> Self {
        let scope = scope.into();
        let mut sessions = self.shared.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let session =
            sessions.entry(scope).or_insert_with_key(|it| Arc::new(Session::new(it.clone()))).clone();
        Self { session, ..self.clone() }
    }

    /// As [`Cloud::scoped`], with a login that is forgotten with the handle: for a walk through thousands of scopes.
    pub fn visiting(&self, scope: impl Into<LoginScope>) -> Self {
        let scope = scope.into();
        let sessions = self.shared.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get(&scope).cloned().unwrap_or_else(|| Arc::new(Session::new(scope)));
        Self { session, ..self.clone() }
    }

    /// A handle that counts what is called through it, and the count. Logins and repetitions don't count.
    pub fn counted(&self) -> (Self, impl Fn() -> u64 + use<>) {
        let sent = Arc::<AtomicU64>::default();
        let count = sent.clone();
        (Self { sent: Some(sent), ..self.clone() }, move || count.load(Ordering::Relaxed))
    }

    /// A handle for another configuration, such as another login. It ends with this one.
    ///
    /// # Errors
    /// As [`Cloud::new`].
    pub fn another(&self, config: Config) -> Result<Self> {
        Ok(Self { cancel: self.cancel.clone(), ..Self::new(config)? })
    }

    /// A handle that starts nothing more once `token` is cancelled.
    ///
    /// Waits end at once. A request that was sent is let finish, so that the id of what it made isn't lost.
    pub fn cancelled_by(&self, token: CancellationToken) -> Self {
        Self { cancel: token, ..self.clone() }
    }

    /// What this cloud was made from.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// What the tokens of this handle are for.
    pub fn scope(&self) -> &LoginScope {
        self.session.scope()
    }

    /// Who we are, and where the services are. Logs in if nobody did.
    ///
    /// # Errors
    /// [`Error::Login`], [`Error::NotKeystone`], [`Error::Unreachable`], [`Error::TokenExpired`].
    pub async fn login(&self) -> Result<Arc<Login>> {
        self.session.login(&self.shared, &self.cancel).await
    }

    /// Logs in once more: the token is nobody else's, and can be revoked without harm to other calls.
    ///
    /// # Errors
    /// As [`Cloud::login`].
    pub async fn separate_login(&self) -> Result<Arc<Login>> {
        self.session.separate(&self.shared, &self.cancel).await
    }

    /// Revokes the token of this handle, and with it those that were exchanged for it. That it is no longer valid is
    /// fine.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn log_out(&self) -> Result<()> {
        let revoked = async {
            let login = self.login().await?;
            let call = Call::delete(Service::Identity, "/auth/tokens").doing("revoke the token");
            self.send(call.secret_header("x-subject-token", login.header())).await
        };
        match revoked.await {
            Err(Error::TokenExpired { .. }) | Ok(_) => Ok(()),
            // Another call has revoked the one that it was exchanged for, after we had logged in with it.
            Err(why) if why.is_native_404() => Ok(()),
            Err(why) => Err(why),
        }
    }

    /// The catalog of our token.
    ///
    /// # Errors
    /// As [`Cloud::login`].
    pub async fn catalog(&self) -> Result<Catalog> {
        Ok(self.login().await?.catalog.clone())
    }

    /// Whether there is a service of this type or alias, for our region and interface.
    ///
    /// # Errors
    /// As [`Cloud::login`]. A type that nobody knows is just not there.
    pub async fn has_service(&self, kind: &str) -> Result<bool> {
        let login = self.login().await?;
        Ok(match Service::of_type(kind) {
            Some(service) => login.catalog.endpoint(service, self.config()).is_ok(),
            None => login.catalog.unknown_types().contains_key(kind),
        })
    }

    /// How many requests were sent, by method and path, ids replaced: `GET /v3/projects/{id}`.
    pub fn requests(&self) -> BTreeMap<String, u64> {
        self.shared.transport.counts()
    }

    /// The microversions that a service takes. Asked once.
    ///
    /// # Errors
    /// [`Error::NoService`], [`Error::OddBody`] if the service tells none, and those of any call.
    pub async fn microversions(&self, service: Service) -> Result<Range> {
        let cell = {
            let mut all = self.shared.ranges.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(service).or_default().clone()
        };
        cell.get_or_try_init(|| async {
            // The document of one version is at the URL without project.
            let mut url = self.base(service, &*self.login().await?)?;
            let project = url.path_segments().and_then(|mut it| it.next_back().map(str::to_owned));
            if project.is_some_and(|it| !it.starts_with('v'))
                && service.version().is_some()
                && let Ok(mut path) = url.path_segments_mut()
            {
                path.pop();
            }
            // With a slash at the end: Cinder and Manila answer a redirect or 300 without.
            push(&mut url, &[""]);
            let call = Call::get(service, "/").doing(format!("find the versions of {service}"));
            let reply = self.shared.transport.good(self.exchange(&call, Some(url)).await?)?;
            versions::range(&reply.json()?).ok_or_else(|| reply.odd("it tells no microversions"))
        })
        .await
        .copied()
    }

    /// The versions that the root of an endpoint tells. Nothing, if it tells none.
    ///
    /// # Errors
    /// Those of any call; that a service has no such document is none.
    pub async fn versions(&self, service: Service, endpoint: &Url) -> Result<Vec<Version>> {
        let call = Call::get(service, "/").doing(format!("find the versions of {service}"));
        let reply = self.exchange(&call, Some(catalog::root(endpoint))).await?;
        if reply.status.is_server_error() || reply.status == reqwest::StatusCode::TOO_MANY_REQUESTS {
            return self.shared.transport.good(reply).map(|_| Vec::new());
        }
        // Most answer 300 with it. Swift has none.
        Ok(reply.json().map_or_else(|_| Vec::new(), |it| versions::listed(&it)))
    }

    /// Claims an id as created by this process. `false`: it was so before.
    pub(crate) fn claim(&self, id: &str) -> bool {
        self.shared.created.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned())
    }

    /// Waits until nobody else in this process makes or changes what has this name, and keeps them from it meanwhile.
    pub async fn alone_with(&self, name: String) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = {
            let mut all = self.shared.alone.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(name).or_default().clone()
        };
        lock.lock_owned().await
    }

    /// What the handles of this scope keep about quotas.
    pub(crate) fn kept(&self) -> Arc<quota::Kept> {
        let mut all = self.shared.quotas.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(self.scope().clone()).or_default().clone()
    }

    /// What the handles of this scope keep of Keystone's objects.
    pub(crate) fn reads(&self) -> Arc<Reads> {
        let mut all = self.shared.reads.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(self.scope().clone()).or_default().clone()
    }

    /// Tells the handles of all scopes of a write, after it.
    pub(crate) fn written(&self, tell: impl Fn(&Reads)) {
        let all = self.shared.reads.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().for_each(|it| tell(it));
    }

    /// Waits, unless cancelled.
    pub(crate) async fn pause(&self, time: Duration, doing: &str) -> Result<()> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            () = self.cancel.cancelled() => Err(Error::Cancelled { doing: doing.to_owned() }),
        }
    }

    /// Sends a call and reads its body. A bad status is an error.
    pub(crate) async fn fetch<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        self.send(call).await?.json()
    }

    /// Sends a call. A bad status is an error.
    pub(crate) async fn send(&self, call: Call) -> Result<Reply> {
        self.count();
        let reply = self.exchange(&call, None).await?;
        self.shared.transport.good(reply)
    }

    fn count(&self) {
        if let Some(sent) = &self.sent {
            sent.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sends a call of object storage to a project's account, which the catalog's URL names for our own project.
    pub(crate) async fn send_to_account(&self, call: Call, project_id: &str) -> Result<Reply> {
        let login = self.login().await?;
        let mut base = self.base(Service::ObjectStore, &login)?;
        let own = login.project_id.as_deref().unwrap_or_default();
        if own != project_id {
            if own.is_empty() || !base.path().contains(own) {
                // Ceph's gateway has no account in its URL: the token says which it is.
                let why = "its URL names no account, so that only a token of the project itself leads there";
                return Err(Error::Unseen {
                    what: format!("the containers of project {project_id}"),
                    why: why.into(),
                });
            }
            base.set_path(&base.path().replace(own, project_id));
        }
        let url = call.url(base)?;
        self.send_at(call, url).await
    }

    /// Sends a call to a URL that isn't below the service's own. A bad status is an error.
    pub(crate) async fn send_at(&self, call: Call, url: Url) -> Result<Reply> {
        self.count();
        let reply = self.exchange(&call, Some(url)).await?;
        self.shared.transport.good(reply)
    }

    /// Sends a call with our token; once more with a new one if the service doesn't accept it.
    async fn exchange(&self, call: &Call, at: Option<Url>) -> Result<Reply> {
        let mut login = self.login().await?;
        let mut renewed = 0;
        loop {
            let base = match &at {
                Some(url) => url.clone(),
                None => self.base(call.service, &login)?,
            };
            let mut headers = call.headers.clone();
            headers.insert("x-auth-token", login.header().clone());
            headers.insert("accept", HeaderValue::from_static("application/json"));
            let out = Outgoing {
                method: call.method.clone(),
                url: if at.is_some() { base } else { call.url(base)? },
                route: call.label(),
                service: call.service.official(),
                doing: &call.doing,
                headers,
                body: call.body.as_ref().map_or(Payload::None, Payload::Json),
                timeout: call.timeout,
                repeat: call.repeat,
            };
            let reply = self.shared.transport.send(&out, &self.cancel).await?;
            // Renewed once; and once more, a second later, if even that token isn't accepted. See `session`.
            if reply.status != reqwest::StatusCode::UNAUTHORIZED || renewed == 2 {
                return Ok(reply);
            }
            renewed += 1;
            login = self.session.renew(&login, &self.shared, &self.cancel).await?;
        }
    }

    /// The URL that a service's paths are appended to.
    pub(crate) fn base(&self, service: Service, login: &Login) -> Result<Url> {
        if service == Service::Identity {
            // Keystone is where the login goes. Its URL in the catalog is often one that we can't reach.
            let mut url = match self.config().endpoints.get(service.official()) {
                Some(url) => return Ok(service.base(url)),
                None => self.config().keystone.clone(),
            };
            push(&mut url, &["v3"]);
            return Ok(url);
        }
        Ok(service.base(&login.catalog.endpoint(service, self.config())?))
    }
}

/// One call of a service's API.
pub(crate) struct Call {
    service: Service,
    method: Method,
    /// With `{..}` for each id.
    route: Cow<'static, str>,
    ids: Vec<String>,
    query: Vec<(Cow<'static, str>, String)>,
    body: Option<Value>,
    headers: HeaderMap,
    doing: String,
    timeout: Option<Duration>,
    repeat: Repeat,
}

impl Call {
    pub fn new(method: Method, service: Service, route: impl Into<Cow<'static, str>>) -> Self {
        let route = route.into();
        Self {
            doing: format!("{method} {route}"),
            service,
            method,
            route,
            ids: Vec::new(),
            query: Vec::new(),
            body: None,
            headers: HeaderMap::new(),
            timeout: None,
            repeat: Repeat::ByMethod,
        }
    }

    pub fn get(service: Service, route: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Method::GET, service, route)
    }

    pub fn post(service: Service, route: impl Into<Cow<'static, str>>, body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::POST, service, route) }
    }

    pub fn patch(service: Service, route: impl Into<Cow<'static, str>>, body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::PATCH, service, route) }
    }

    pub fn put(service: Service, route: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Method::PUT, service, route)
    }

    pub fn delete(service: Service, route: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Method::DELETE, service, route)
    }

    /// Takes the place of the next `{..}`.
    pub fn id(mut self, id: &str) -> Self {
        self.ids.push(id.to_owned());
        self
    }

    pub fn query(mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.query.push((key.into(), value.into()));
        self
    }

    pub fn queries<I, K, V>(mut self, all: I) -> Self
    where
        I: IntoIterator<Item = (K, V)>,
        K: Into<Cow<'static, str>>,
        V: Into<String>,
    {
        self.query.extend(all.into_iter().map(|(key, value)| (key.into(), value.into())));
        self
    }

    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// A header with a name of its own making.
    pub fn any_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// A header whose value nobody may print.
    pub fn secret_header(mut self, name: &'static str, value: &HeaderValue) -> Self {
        let mut value = value.clone();
        value.set_sensitive(true);
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    pub fn microversion(self, version: &str) -> Self {
        let (name, value) = self.service.microversion(version);
        self.header(name, &value)
    }

    /// In words that follow "cannot".
    pub fn doing(mut self, doing: impl Into<String>) -> Self {
        self.doing = doing.into();
        self
    }

    /// What [`doing`](Self::doing) said.
    pub fn about(&self) -> &str {
        &self.doing
    }

    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Never sent twice when its effect is unknown.
    pub fn once(mut self) -> Self {
        self.repeat = Repeat::Never;
        self
    }

    /// What requests are counted by.
    fn label(&self) -> String {
        match self.service {
            Service::Identity => format!("/v3{}", self.route),
            other => format!("{other} {}", self.route),
        }
    }

    fn url(&self, mut url: Url) -> Result<Url> {
        let mut ids = self.ids.iter();
        let mut segments = Vec::new();
        for part in self.route.split('/').filter(|it| !it.is_empty()) {
            if !part.starts_with('{') {
                segments.push(part);
                continue;
            }
            let id = ids.next().map(String::as_str).unwrap_or_default();
            // `..` and nothing at all would make another path of it: that of a list, say.
            if matches!(id, "" | "." | "..") || id.chars().any(char::is_control) {
                return Err(Error::BadId { doing: self.doing.clone(), id: id.to_owned() });
            }
            segments.push(id);
        }
        push(&mut url, &segments);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }
}
