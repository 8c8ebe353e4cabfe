//! What the server makes of a resource's success and failure.
//!
//! A provider with one resource that fails on demand, called as a host calls it.

// Clippy takes the helpers of tests for something else.
#![allow(clippy::unwrap_used)]

#[path = "server/ephemeral.rs"]
mod ephemeral;
#[path = "server/functions.rs"]
mod functions;
#[path = "server/private.rs"]
mod private;

use tenancy::tf::proto::tfplugin6::provider_server::Provider as _;
use tenancy::tf::proto::tfplugin6::{
    self as wire, DynamicValue, apply_resource_change, configure_provider, diagnostic::Severity,
    read_resource, upgrade_resource_state,
};
use tenancy::tf::{
    After, Client, Computed, Context, Diagnostic, Diagnostics, DynDataSource, DynEphemeral, DynFunction,
    DynResource, Erased, ErasedEphemeral, ErasedFunction, Model, Outcome, Provider, Resource, Result, Server,
    Value, msgpack,
};
use tokio_util::sync::CancellationToken;
use tonic::Request;

/// The derive writes `crate::tf`.
mod tf {
    pub use tenancy::tf::*;
}

/// A thing.
#[derive(Clone, Debug, PartialEq, Model)]
struct Thing {
    /// Id.
    #[tf(keep)]
    id: Computed<String>,
    /// Where it fails: `before` or `after` the thing is made.
    fails: Option<String>,
}

impl Thing {
    fn new(id: Option<&str>, fails: Option<&str>) -> Self {
        Thing { id: id.map_or(Computed::Unknown, Into::into), fails: fails.map(str::to_owned) }
    }
}

fn broken() -> Diagnostics {
    Diagnostic::error("It broke").detail("It broke.").into()
}

impl Resource for Thing {
    const NAME: &'static str = "thing";
    type Client = Nobody;
    type Id = String;

    fn id(&self) -> Option<String> {
        self.id.as_known().cloned()
    }

    async fn create(plan: Self, _: &Context<Nobody>) -> Outcome<Self> {
        if plan.fails.as_deref() == Some("before") {
            return Err(broken().into());
        }
        let made = Thing { id: "made".into(), ..plan };
        if made.fails.is_some() {
            Err::<(), _>(broken()).after(&made)?
        }
        Ok(made)
    }

    async fn read(id: String, last: Option<Self>, _: &Context<Nobody>) -> Result<Option<Self>> {
        match id.as_str() {
            "gone" => Ok(None),
            "unreadable" => Err(broken()),
            _ => Ok(last),
        }
    }

    async fn update(from: Self, to: Self, _: &Context<Nobody>) -> Outcome<Self> {
        if to.fails.is_some() {
            Err::<(), _>(broken()).after(&from)?
        }
        Ok(to)
    }

    async fn delete(state: Self, _: &Context<Nobody>) -> Result<()> {
        if state.fails.is_some() { Err(broken()) } else { Ok(()) }
    }
}

#[derive(Clone)]
struct Nobody;

impl Client for Nobody {
    fn cancelled_by(&self, _: CancellationToken) -> Self {
        Nobody
    }
}

/// A provider block without attributes.
#[derive(Model)]
struct Empty {}

struct Toy;

impl Provider for Toy {
    const NAME: &'static str = "toy";
    type Config = Empty;
    type Client = Nobody;

    async fn configure(_: Empty, _: &str) -> Result<(Nobody, Diagnostics)> {
        Ok((Nobody, Diagnostics::default()))
    }

    fn resources() -> Vec<Box<dyn DynResource<Nobody>>> {
        vec![Box::new(Erased::<Thing>::default()), Box::new(Erased::<private::Diary>::default())]
    }

    fn data_sources() -> Vec<Box<dyn DynDataSource<Nobody>>> {
        Vec::new()
    }

    fn ephemerals() -> Vec<Box<dyn DynEphemeral<Nobody>>> {
        vec![Box::new(ErasedEphemeral::<ephemeral::Lease>::default())]
    }

    fn functions() -> Vec<Box<dyn DynFunction>> {
        vec![Box::new(ErasedFunction::<functions::Repeat>::default())]
    }
}

fn on_the_wire<M: Model>(object: Option<M>) -> Option<DynamicValue> {
    let value = object.map_or(Value::Null, |it| Value::Object(Model::encode(it)));
    Some(DynamicValue { msgpack: msgpack::write_object(&value, &M::schema()).into(), ..Default::default() })
}

fn off_the_wire<M: Model>(value: Option<DynamicValue>) -> Option<M> {
    match msgpack::read_object(&value.unwrap_or_default().msgpack, &M::schema()).unwrap() {
        Value::Null => None,
        value => Some(M::decode(tf::Fields::of(value).unwrap()).unwrap()),
    }
}

/// Each message as `error: text` or `warning: text`.
fn said(all: Vec<wire::Diagnostic>) -> Vec<String> {
    all.into_iter()
        .map(|it| match it.severity() {
            Severity::Error => format!("error: {}", it.summary),
            _ => format!("warning: {}", it.summary),
        })
        .collect()
}

async fn server() -> Server<Toy> {
    let server = Server::<Toy>::new(CancellationToken::new());
    configure(&server).await;
    server
}

async fn configure(server: &Server<Toy>) {
    let config = DynamicValue { msgpack: vec![0x80].into(), ..Default::default() };
    let request = configure_provider::Request { config: Some(config), ..Default::default() };
    let answer = server.configure_provider(Request::new(request)).await.unwrap().into_inner();
    assert!(answer.diagnostics.is_empty());
}

async fn apply(from: Option<Thing>, to: Option<Thing>) -> (Option<Thing>, Vec<String>) {
    let request = apply_resource_change::Request {
        type_name: "toy_thing".into(),
        prior_state: on_the_wire(from),
        planned_state: on_the_wire(to),
        ..Default::default()
    };
    let answer = server().await.apply_resource_change(Request::new(request)).await.unwrap().into_inner();
    (off_the_wire(answer.new_state), said(answer.diagnostics))
}

async fn read(thing: Thing) -> (Option<Thing>, Vec<String>) {
    let request = read_resource::Request {
        type_name: "toy_thing".into(),
        current_state: on_the_wire(Some(thing)),
        ..Default::default()
    };
    let answer = server().await.read_resource(Request::new(request)).await.unwrap().into_inner();
    (off_the_wire(answer.new_state), said(answer.diagnostics))
}

const NOTHING: [&str; 0] = [];

#[tokio::test]
async fn a_create_makes_it_known() {
    let (state, found) = apply(None, Some(Thing::new(None, None))).await;
    assert_eq!(state, Some(Thing::new(Some("made"), None)));
    assert_eq!(found, NOTHING);
}

#[tokio::test]
async fn a_create_that_made_something_ends_in_warnings() {
    let (state, found) = apply(None, Some(Thing::new(None, Some("after")))).await;
    assert_eq!(state, Some(Thing::new(Some("made"), Some("after"))));
    assert_eq!(found, ["warning: It broke"]);
}

#[tokio::test]
async fn a_create_that_made_nothing_is_an_error() {
    let (state, found) = apply(None, Some(Thing::new(None, Some("before")))).await;
    assert_eq!(state, None);
    assert_eq!(found, ["error: It broke"]);
}

#[tokio::test]
async fn a_failed_update_is_an_error_and_keeps_what_is_there() {
    let before = Thing::new(Some("made"), None);
    let (state, found) = apply(Some(before.clone()), Some(Thing::new(Some("made"), Some("after")))).await;
    assert_eq!(state, Some(before));
    assert_eq!(found, ["error: It broke"]);
}

#[tokio::test]
async fn a_failed_delete_keeps_the_state() {
    let before = Thing::new(Some("made"), Some("after"));
    let (state, found) = apply(Some(before.clone()), None).await;
    assert_eq!(state, Some(before));
    assert_eq!(found, ["error: It broke"]);
    assert_eq!(apply(Some(Thing::new(Some("made"), None)), None).await, (None, vec![]));
}

#[tokio::test]
async fn a_failed_read_keeps_the_state() {
    let before = Thing::new(Some("unreadable"), None);
    assert_eq!(read(before.clone()).await, (Some(before), vec!["error: It broke".to_owned()]));
    assert_eq!(read(Thing::new(Some("gone"), None)).await, (None, vec![]));
}

#[tokio::test]
async fn a_state_of_another_version_is_refused_in_words() {
    let request = |version| upgrade_resource_state::Request {
        type_name: "toy_thing".into(),
        version,
        raw_state: Some(wire::RawState {
            json: br#"{"id":"1","old":true}"#.to_vec().into(),
            ..Default::default()
        }),
    };
    let server = server().await;
    let answer = server.upgrade_resource_state(Request::new(request(0))).await.unwrap().into_inner();
    assert_eq!(off_the_wire(answer.upgraded_state), Some(Thing::new(Some("1"), None)));
    let answer = server.upgrade_resource_state(Request::new(request(7))).await.unwrap().into_inner();
    assert_eq!(said(answer.diagnostics), ["error: Cannot read the state of toy_thing"]);
}
