//! Moves, upgrades and generated configuration, called as a host calls them.

use tenancy::tf::proto::tfplugin6::provider_server::Provider as _;
use tenancy::tf::proto::tfplugin6::{
    DynamicValue, RawState, generate_resource_config, get_resource_identity_schemas, move_resource_state,
    plan_resource_change, read_resource, upgrade_resource_identity, upgrade_resource_state,
};
use tenancy::tf::{
    Attributes, Computed, Context, Identity, Mismatch, Model, Move, Outcome, Resource, Result, Schema, Value,
};
use tonic::Request;

use super::{Nobody, broken, off_the_wire, on_the_wire, said, server, tf};

/// A thing that was something else once.
#[derive(Clone, Debug, PartialEq, Model)]
pub(super) struct Heir {
    /// Id.
    #[tf(keep)]
    id: Computed<String>,
    /// Name.
    name: String,
    /// Colour.
    #[tf(default = "grey")]
    colour: String,
    /// What only a read knows.
    found: Computed<String>,
}

/// Its id, which had another name once.
#[derive(Clone, Debug, PartialEq, Model)]
pub(super) struct HeirId {
    /// Id.
    id: String,
}

impl Identity for HeirId {
    const VERSION: i64 = 2;

    fn schema() -> Schema {
        <Self as Model>::schema()
    }

    fn decode(value: Value) -> std::result::Result<Self, Mismatch> {
        <Self as tf::Attr>::decode(value)
    }

    fn encode(self) -> Value {
        <Self as tf::Attr>::encode(self)
    }

    fn parse(text: &str) -> Result<Self> {
        Ok(HeirId { id: text.to_owned() })
    }

    fn upgrade(from: i64, identity: &mut Attributes) {
        let (old, new) = if from == 0 { ("number", "key") } else { ("key", "id") };
        let value = identity.remove(old).unwrap();
        identity.insert(new.into(), value);
    }
}

impl Resource for Heir {
    const NAME: &'static str = "heir";
    const VERSION: i64 = 1;
    type Client = Nobody;
    type Id = HeirId;

    fn id(&self) -> Option<HeirId> {
        Some(HeirId { id: self.id.as_known()?.clone() })
    }

    async fn create(_: Self, _: &Context<Nobody>) -> Outcome<Self> {
        Err(broken().into())
    }

    async fn read(id: HeirId, last: Option<Self>, client: &Context<Nobody>) -> Result<Option<Self>> {
        if id.id == "unreadable" {
            return Err(broken());
        }
        assert_eq!(client.private::<tf::Attributes>(), None, "what the server keeps is not the resource's");
        let found = match (last, client.private::<String>()) {
            (Some(_), _) => "read".to_owned(),
            (None, None) => "imported".to_owned(),
            (None, Some(note)) => {
                client.keep_private(&0);
                note
            }
        };
        Ok(Some(Heir { id: id.id.into(), name: "n".into(), colour: "red".into(), found: found.into() }))
    }

    async fn update(_: Self, to: Self, _: &Context<Nobody>) -> Outcome<Self> {
        Ok(to)
    }

    async fn delete(_: Self, _: &Context<Nobody>) -> Result<()> {
        Ok(())
    }

    fn upgrade(_: i64, state: &mut Attributes) {
        let name = state.remove("title").unwrap();
        state.insert("name".into(), name);
    }

    fn moves() -> Vec<Move<Self>> {
        vec![Move {
            provider: "acme/old",
            from: "old_thing",
            take: |old| {
                if old.is("broken") {
                    return Err(old.refused("It is broken."));
                }
                if let Some(note) = old.text("note") {
                    old.keep(&note);
                }
                Ok(Heir {
                    id: old.must("key")?.into(),
                    name: old.must("name")?,
                    colour: "grey".into(),
                    found: Computed::Unknown,
                })
            },
        }]
    }
}

async fn moved(provider: &str, from: &str, state: &str) -> move_resource_state::Response {
    // Before the provider is configured, as hosts do.
    let server = tf::Server::<super::Toy>::new(tokio_util::sync::CancellationToken::new());
    let request = move_resource_state::Request {
        source_provider_address: provider.into(),
        source_type_name: from.into(),
        source_state: Some(RawState { json: state.as_bytes().to_vec().into(), ..Default::default() }),
        target_type_name: "toy_heir".into(),
        ..Default::default()
    };
    server.move_resource_state(Request::new(request)).await.unwrap().into_inner()
}

async fn read(private: &[u8], id: &str) -> read_resource::Response {
    let state = Heir { id: id.into(), name: "n".into(), colour: "grey".into(), found: "".into() };
    let request = read_resource::Request {
        type_name: "toy_heir".into(),
        current_state: on_the_wire(Some(state)),
        private: private.to_vec().into(),
        ..Default::default()
    };
    server().await.read_resource(Request::new(request)).await.unwrap().into_inner()
}

#[tokio::test]
async fn what_is_moved_is_settled_by_the_first_read() {
    // OpenTofu sent the name alone for a while.
    for address in [
        "registry.terraform.io/acme/old",
        "registry.opentofu.org/acme/old",
        "mirror.example:8443/acme/old",
        "old",
    ] {
        let answer = moved(address, "old_thing", r#"{"key": "1", "name": "n"}"#).await;
        assert_eq!(said(answer.diagnostics), super::NOTHING);
        let state: Heir = off_the_wire(answer.target_state).unwrap();
        assert_eq!((state.id, &*state.name), ("1".into(), "n"));
        assert!(answer.target_identity.is_some());
        let settled = read(&answer.target_private, "1").await;
        assert_eq!(off_the_wire::<Heir>(settled.new_state).unwrap().found, "imported".into());
        let again = read(&settled.private, "1").await;
        assert_eq!(off_the_wire::<Heir>(again.new_state).unwrap().found, "read".into());
        // A read that fails leaves it to the next one.
        let failed = read(&answer.target_private, "unreadable").await;
        assert_eq!(failed.private, answer.target_private);
    }
}

#[tokio::test]
async fn the_first_read_knows_what_the_old_state_was_asked_to_keep() {
    let state = r#"{"key": "1", "name": "n", "note": "of old"}"#;
    let private = moved("registry.terraform.io/acme/old", "old_thing", state).await.target_private;
    // A plan without a refresh leaves it to the next one.
    let heir = Heir { id: "1".into(), name: "n".into(), colour: "grey".into(), found: "".into() };
    let config = Value::Object(vec![Value::Null, "n".into(), Value::Null, Value::Null]);
    let request = plan_resource_change::Request {
        type_name: "toy_heir".into(),
        prior_state: on_the_wire(Some(heir.clone())),
        proposed_new_state: on_the_wire(Some(heir)),
        config: Some(DynamicValue {
            msgpack: tf::msgpack::write_object(&config, &Heir::schema()).into(),
            ..Default::default()
        }),
        prior_private: private.clone(),
        ..Default::default()
    };
    let planned = server().await.plan_resource_change(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(said(planned.diagnostics), super::NOTHING);
    assert_eq!(planned.planned_private, private);
    let failed = read(&private, "unreadable").await;
    assert_eq!(failed.private, private);
    let settled = read(&private, "1").await;
    assert_eq!(off_the_wire::<Heir>(settled.new_state).unwrap().found, "of old".into());
    assert_eq!(&settled.private[..], b"0");
}

#[tokio::test]
async fn what_cannot_be_moved_is_told() {
    for address in ["registry.terraform.io/acme/other", "registry.terraform.io/other/old", "other", ""] {
        let answer = moved(address, "old_thing", r#"{"key": "1", "name": "n"}"#).await;
        assert!(answer.target_state.is_none());
        assert!(
            answer.diagnostics[0].detail.contains("\n- old_thing of acme/old"),
            "{:?}",
            answer.diagnostics
        );
    }
    let answer = moved("registry.terraform.io/acme/old", "old_thing", r#"{"broken": true}"#).await;
    assert_eq!(said(answer.diagnostics), ["error: This old_thing cannot be moved here"]);
    let answer = moved("registry.terraform.io/acme/old", "old_thing", r#"{"key": ""}"#).await;
    assert_eq!(answer.diagnostics[0].detail, "Its state has no `key`.");
    let answer = moved("registry.terraform.io/acme/old", "old_thing", "[]").await;
    assert_eq!(said(answer.diagnostics), ["error: Cannot read the state of old_thing"]);
}

#[tokio::test]
async fn states_and_identities_of_older_versions_are_upgraded() {
    let server = server().await;
    let raw = |json: &str| Some(RawState { json: json.as_bytes().to_vec().into(), ..Default::default() });
    for (version, state) in [(0, r#"{"id": "1", "title": "n"}"#), (1, r#"{"id": "1", "name": "n"}"#)] {
        let type_name = "toy_heir".to_owned();
        let request = upgrade_resource_state::Request { type_name, version, raw_state: raw(state) };
        let answer = server.upgrade_resource_state(Request::new(request)).await.unwrap().into_inner();
        assert_eq!(said(answer.diagnostics), super::NOTHING);
        let state: Heir = off_the_wire(answer.upgraded_state).unwrap();
        assert_eq!((&*state.name, &*state.colour), ("n", "grey"));
    }
    for (version, identity) in [(0, r#"{"number": "1"}"#), (1, r#"{"key": "1"}"#), (2, r#"{"id": "1"}"#)] {
        let type_name = "toy_heir".to_owned();
        let request = upgrade_resource_identity::Request { type_name, version, raw_identity: raw(identity) };
        let answer = server.upgrade_resource_identity(Request::new(request)).await.unwrap().into_inner();
        assert_eq!(said(answer.diagnostics), super::NOTHING);
        let id: HeirId = off_the_wire(answer.upgraded_identity.unwrap().identity_data).unwrap();
        assert_eq!(id.id, "1");
    }
    let type_name = "toy_heir".to_owned();
    let request = upgrade_resource_identity::Request { type_name, version: 3, raw_identity: raw("{}") };
    let answer = server.upgrade_resource_identity(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(said(answer.diagnostics), ["error: Cannot read the identity of toy_heir"]);
    let schemas =
        server.get_resource_identity_schemas(Request::new(get_resource_identity_schemas::Request {}));
    assert_eq!(schemas.await.unwrap().into_inner().identity_schemas["toy_heir"].version, 2);
}

#[tokio::test]
async fn a_generated_configuration_says_no_more_than_it_must() {
    let state =
        |colour: &str| Heir { id: "1".into(), name: "n".into(), colour: colour.into(), found: "f".into() };
    for (colour, expected) in [("grey", Value::Null), ("red", "red".into())] {
        let request = generate_resource_config::Request {
            type_name: "toy_heir".into(),
            state: on_the_wire(Some(state(colour))),
        };
        let answer =
            server().await.generate_resource_config(Request::new(request)).await.unwrap().into_inner();
        assert_eq!(said(answer.diagnostics), super::NOTHING);
        let config = tf::msgpack::read_object(&answer.config.unwrap().msgpack, &Heir::schema()).unwrap();
        assert_eq!(config, Value::Object(vec![Value::Null, "n".into(), expected, Value::Null]));
    }
}
