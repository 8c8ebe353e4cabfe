//! Ephemeral resources, called as a host calls them.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tenancy::tf::proto::tfplugin6::provider_server::Provider as _;
use tenancy::tf::proto::tfplugin6::{
    close_ephemeral_resource, get_metadata, get_provider_schema, open_ephemeral_resource,
    renew_ephemeral_resource, validate_ephemeral_resource_config,
};
use tenancy::tf::{Computed, Context, Diagnostic, Draft, Ephemeral, Model, Opened, Renewed, Result, Server};
use tokio_util::sync::CancellationToken;
use tonic::Request;

use super::{Nobody, Toy, broken, off_the_wire, said, server, tf};

/// A lease.
#[derive(Clone, Debug, PartialEq, Model)]
pub(super) struct Lease {
    /// What is leased. Opened, it is in capitals.
    name: String,
    /// For how long.
    #[tf(default = 60)]
    seconds: i64,
    /// By whom.
    #[tf(optional)]
    owner: Computed<String>,
    /// Options.
    options: Option<Options>,
    /// Key.
    #[tf(sensitive)]
    key: Computed<String>,
    /// What it never knows.
    open: Computed<Option<String>>,
}

/// Options.
#[derive(Clone, Debug, PartialEq, Model)]
pub(super) struct Options {
    /// Whether it is exclusive.
    #[tf(default = true)]
    exclusive: bool,
}

/// What is kept of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    name: String,
    renewed: u64,
}

/// Names of what was closed. Each test has names of its own.
static CLOSED: Mutex<Vec<String>> = Mutex::new(Vec::new());

const NOON: Duration = Duration::from_secs(1_800_000_000);

impl Ephemeral for Lease {
    const NAME: &'static str = "lease";
    type Client = Nobody;
    type Private = Kept;

    fn validate(config: &Draft<Self>) -> Result<()> {
        match config.get(tf::At::new("name", |it: &Lease| &it.name))?.as_deref() {
            Some("invalid") => Err(broken()),
            _ => Ok(()),
        }
    }

    async fn open(config: Self, client: &Context<Nobody>) -> Result<Opened<Self, Kept>> {
        if config.name == "fails" {
            return Err(broken());
        }
        client.warn(Diagnostic::warning("Opened"));
        let private = Kept { name: config.name.clone(), renewed: 0 };
        let renew_at = (config.seconds > 0).then(|| SystemTime::UNIX_EPOCH + NOON);
        let owner = Computed::Known(config.owner.known().unwrap_or_else(|| "me".into()));
        let result = Lease { name: config.name.to_uppercase(), owner, key: "k".into(), ..config };
        Ok(Opened { result, private, renew_at })
    }

    async fn renew(private: Kept, _: &Context<Nobody>) -> Result<Renewed<Kept>> {
        if private.name == "lost" {
            return Err(broken());
        }
        let renewed = private.renewed + 1;
        let renew_at = (renewed < 2).then(|| SystemTime::UNIX_EPOCH + 2 * NOON);
        Ok(Renewed { private: Kept { renewed, ..private }, renew_at })
    }

    async fn close(private: Kept, client: &Context<Nobody>) -> Result<()> {
        CLOSED.lock().unwrap().push(private.name.clone());
        client.warn(Diagnostic::warning(format!("Closed {} after {}", private.name, private.renewed)));
        if private.name == "stuck" { Err(broken()) } else { Ok(()) }
    }
}

fn lease(name: &str) -> Lease {
    // Null on the wire is what the host sends for all that is computed.
    Lease {
        name: name.into(),
        seconds: 60,
        owner: Computed::Unknown,
        options: None,
        key: Computed::Unknown,
        open: Computed::Known(None),
    }
}

/// As a host sends a configuration: what nobody wrote is null.
fn config(written: Vec<tf::Value>) -> Option<super::DynamicValue> {
    let values = written.into_iter();
    let values = values.map(|it| if it == tf::Value::Unknown { tf::Value::Null } else { it });
    let value = tf::Value::Object(values.collect());
    let msgpack = tf::msgpack::write_object(&value, &Lease::schema()).into();
    Some(super::DynamicValue { msgpack, ..Default::default() })
}

async fn open(on: &Server<Toy>, written: Vec<tf::Value>) -> open_ephemeral_resource::Response {
    let request = open_ephemeral_resource::Request {
        type_name: "toy_lease".into(),
        config: config(written),
        ..Default::default()
    };
    on.open_ephemeral_resource(Request::new(request)).await.unwrap().into_inner()
}

async fn renew(on: &Server<Toy>, private: &str) -> renew_ephemeral_resource::Response {
    let request = renew_ephemeral_resource::Request {
        type_name: "toy_lease".into(),
        private: Some(private.to_owned().into()),
    };
    on.renew_ephemeral_resource(Request::new(request)).await.unwrap().into_inner()
}

async fn close(on: &Server<Toy>, private: Option<&str>) -> Vec<String> {
    let request = close_ephemeral_resource::Request {
        type_name: "toy_lease".into(),
        private: private.map(|it| it.to_owned().into()),
    };
    said(on.close_ephemeral_resource(Request::new(request)).await.unwrap().into_inner().diagnostics)
}

#[tokio::test]
async fn is_on_offer() {
    let server = Server::<Toy>::new(CancellationToken::new());
    let schemas = server.get_provider_schema(Request::new(get_provider_schema::Request {})).await.unwrap();
    let schemas = schemas.into_inner().ephemeral_resource_schemas;
    assert_eq!(schemas.keys().collect::<Vec<_>>(), ["toy_lease"]);
    let attributes = &schemas["toy_lease"].block.as_ref().unwrap().attributes;
    assert_eq!(attributes.len(), 6);
    let metadata = server.get_metadata(Request::new(get_metadata::Request {})).await.unwrap().into_inner();
    let names: Vec<_> = metadata.ephemeral_resources.into_iter().map(|it| it.type_name).collect();
    assert_eq!(names, ["toy_lease"]);
}

#[tokio::test]
async fn what_is_opened_is_known_and_what_was_written_stays() {
    let answer = open(&server().await, Model::encode(lease("a"))).await;
    assert_eq!(said(answer.diagnostics), ["warning: Opened"]);
    let opened: Lease = off_the_wire(answer.result).unwrap();
    assert_eq!(opened, Lease { owner: "me".into(), key: "k".into(), ..lease("a") });
    assert_eq!(answer.private.as_deref(), Some(&br#"{"name":"a","renewed":0}"#[..]));
    assert_eq!(answer.renew_at.map(|it| it.seconds), Some(1_800_000_000));
    assert_eq!(answer.deferred, None);
}

#[tokio::test]
async fn defaults_are_filled_in_and_nothing_need_be_renewed() {
    let exclusive = Some(Options { exclusive: true });
    let asked = Lease { seconds: 0, owner: "you".into(), options: exclusive, ..lease("a") };
    let mut written = Model::encode(asked.clone());
    written[3] = tf::Value::Object(vec![tf::Value::Null]);
    let answer = open(&server().await, written).await;
    assert_eq!(off_the_wire(answer.result), Some(Lease { key: "k".into(), ..asked }));
    assert_eq!(answer.renew_at, None);
}

#[tokio::test]
async fn what_cannot_be_opened_is_an_error_and_nothing_else() {
    let answer = open(&server().await, Model::encode(lease("fails"))).await;
    assert_eq!(said(answer.diagnostics), ["error: It broke"]);
    assert_eq!((answer.result, answer.private, answer.renew_at), (None, None, None));
}

#[tokio::test]
async fn is_validated() {
    let request = |name: &str| validate_ephemeral_resource_config::Request {
        type_name: "toy_lease".into(),
        config: config(Model::encode(lease(name))),
    };
    let server = server().await;
    let validate = async |name| {
        let answer = server.validate_ephemeral_resource_config(Request::new(request(name))).await;
        said(answer.unwrap().into_inner().diagnostics)
    };
    assert_eq!(validate("a").await, [""; 0]);
    assert_eq!(validate("invalid").await, ["error: It broke"]);
}

#[tokio::test]
async fn is_renewed_until_it_need_not_be() {
    let on = server().await;
    let first = renew(&on, r#"{"name":"a","renewed":0}"#).await;
    assert_eq!(first.renew_at.map(|it| it.seconds), Some(3_600_000_000));
    assert_eq!(first.private.as_deref(), Some(&br#"{"name":"a","renewed":1}"#[..]));
    let second = renew(&on, r#"{"name":"a","renewed":1}"#).await;
    assert_eq!((second.renew_at, second.diagnostics.len()), (None, 0));
    let lost = renew(&on, r#"{"name":"lost","renewed":1}"#).await;
    assert_eq!(said(lost.diagnostics), ["error: It broke"]);
    assert_eq!(lost.private.as_deref(), Some(&br#"{"name":"lost","renewed":1}"#[..]), "to close it with");
}

#[tokio::test]
async fn is_closed_with_what_was_kept() {
    let on = server().await;
    assert_eq!(close(&on, Some(r#"{"name":"a","renewed":3}"#)).await, ["warning: Closed a after 3"]);
    let stuck = close(&on, Some(r#"{"name":"stuck","renewed":0}"#)).await;
    assert_eq!(stuck, ["error: It broke", "warning: Closed stuck after 0"]);
    for odd in [None, Some("\u{0}"), Some("{}")] {
        assert_eq!(close(&on, odd).await, ["error: Unexpected private data"]);
    }
}

#[tokio::test]
async fn needs_a_provider_that_is_configured() {
    let on = Server::<Toy>::new(CancellationToken::new());
    let answer = open(&on, Model::encode(lease("a"))).await;
    assert_eq!(said(answer.diagnostics), ["error: The provider is not configured"]);
    assert_eq!(answer.deferred, None);
}

#[tokio::test]
async fn what_the_host_left_open_is_closed_at_the_end() {
    let (ending, unfinished) = (CancellationToken::new(), Arc::<tokio::sync::RwLock<()>>::default());
    let on = Server::<Toy>::new(ending.clone()).holding(unfinished.clone());
    super::configure(&on).await;
    for name in ["left", "left closed", "left renewed"] {
        assert!(open(&on, Model::encode(lease(name))).await.private.is_some());
    }
    close(&on, Some(r#"{"name":"left closed","renewed":0}"#)).await;
    renew(&on, r#"{"name":"left renewed","renewed":0}"#).await;
    assert!(unfinished.try_write().is_err(), "the end waits");
    ending.cancel();
    drop(unfinished.write().await);
    let mut closed = CLOSED.lock().unwrap().clone();
    closed.retain(|it| it.starts_with("left"));
    closed.sort();
    assert_eq!(closed, ["left", "left closed", "left renewed"], "each once");
}
