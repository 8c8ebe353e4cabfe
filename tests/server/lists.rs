//! List resources and actions, called as a host calls them.

use tenancy::tf::proto::tfplugin6::provider_server::Provider as _;
use tenancy::tf::proto::tfplugin6::{
    ClientCapabilities, DynamicValue, configure_provider, deferred, get_metadata, get_provider_schema,
    import_resource_state, invoke_action, list_resource, plan_action, plan_resource_change, read_resource,
    validate_action_config, validate_list_resource_config,
};
use tenancy::tf::{
    Action, Context, Diagnostic, Draft, Listed, Listing, Model, Progress, Result, Server, Value, msgpack,
};
use tokio_stream::StreamExt as _;
use tokio_util::sync::CancellationToken;
use tonic::Request;

use super::{Nobody, Thing, Toy, broken, off_the_wire, on_the_wire, said, server, tf};

/// Which things.
#[derive(Clone, Debug, Model)]
pub(super) struct Things {
    /// How many.
    count: Option<i64>,
    /// What goes wrong.
    fails: Option<String>,
}

impl Listed for Things {
    type Resource = Thing;

    fn validate(filter: &Draft<Self>) -> Result<()> {
        match filter.get(tf::At::new("count", |it: &Things| &it.count))? {
            Some(Some(count)) if count < 0 => Err(broken()),
            _ => Ok(()),
        }
    }

    async fn list(self, client: &Context<Nobody>) -> Result<Vec<Listing<Thing>>> {
        match self.fails.as_deref() {
            Some("list") => return Err(broken()),
            Some("panic") => panic!("the list was asked to panic"),
            Some("warn") => client.warn(Diagnostic::warning("Listed")),
            _ => (),
        }
        let id = |number: i64| match (number, self.fails.as_deref()) {
            (1, Some(how)) => how.to_owned(),
            (number, _) => number.to_string(),
        };
        let one = |number| {
            let object = (number > 1).then(|| Thing::new(Some(&id(number)), None));
            Listing { name: format!("thing {number}"), id: id(number), object }
        };
        Ok((0..self.count.unwrap_or(3)).map(one).collect())
    }

    async fn load(id: String, _: &Context<Nobody>) -> Result<Option<Thing>> {
        match id.as_str() {
            "gone" => Ok(None),
            "unreadable" => Err(broken()),
            _ => Ok(Some(Thing::new(Some(&id), None))),
        }
    }
}

/// Something to do.
#[derive(Clone, Debug, Model)]
pub(super) struct Deed {
    /// What is to happen.
    what: String,
}

impl Action for Deed {
    const NAME: &'static str = "deed";
    type Client = Nobody;

    fn validate(config: &Draft<Self>) -> Result<()> {
        match config.get(tf::At::new("what", |it: &Deed| &it.what))?.as_deref() {
            Some("invalid") => Err(broken()),
            _ => Ok(()),
        }
    }

    async fn plan(config: &Draft<Self>, client: &Context<Nobody>) -> Result<()> {
        let what = config.get(tf::At::new("what", |it: &Deed| &it.what))?;
        client.warn(Diagnostic::warning(format!("Planned {what:?}")));
        Ok(())
    }

    async fn invoke(self, progress: &Progress, client: &Context<Nobody>) -> Result<()> {
        progress.say("began");
        tokio::task::yield_now().await;
        progress.say(format!("did {}", self.what));
        client.warn(Diagnostic::warning("Done"));
        match self.what.as_str() {
            "fail" => Err(broken()),
            "panic" => panic!("the action was asked to panic"),
            _ => Ok(()),
        }
    }
}

fn wire<M: Model>(values: Vec<Value>) -> Option<DynamicValue> {
    let msgpack = msgpack::write_object(&Value::Object(values), &M::schema()).into();
    Some(DynamicValue { msgpack, ..Default::default() })
}

fn things(count: Option<i64>, fails: Option<&str>) -> Option<DynamicValue> {
    let fails = fails.map_or(Value::Null, Value::from);
    wire::<Things>(vec![count.map_or(Value::Null, |it| Value::Number(it.into())), fails])
}

/// Each event as `name id`, `*` after it if the object came along, and what it says.
async fn list(config: Option<DynamicValue>, whole: bool, limit: i64) -> Vec<String> {
    let type_name = "toy_thing".to_owned();
    let request = list_resource::Request { type_name, config, include_resource_object: whole, limit };
    let mut events = server().await.list_resource(Request::new(request)).await.unwrap().into_inner();
    let mut all = Vec::new();
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        let identity = event.identity.and_then(|it| it.identity_data).map(|it| {
            let schema = <String as tf::Identity>::schema();
            match msgpack::read_object(&it.msgpack, &schema).unwrap() {
                Value::Object(all) => format!("{:?}", all[0]),
                other => panic!("{other:?}"),
            }
        });
        let object = if event.resource_object.is_some() { " *" } else { "" };
        let id = identity.map(|it| it.replace("String(", "").replace(')', "")).unwrap_or_default();
        all.push(format!("{} {id}{object} {}", event.display_name, said(event.diagnostic).join(", ")));
    }
    all.iter().map(|it| it.trim().to_owned()).collect()
}

#[tokio::test]
async fn what_is_listed_comes_with_name_and_identity() {
    assert_eq!(list(things(Some(2), None), false, 0).await, [r#"thing 0 "0""#, r#"thing 1 "1""#]);
    assert_eq!(list(things(Some(0), None), false, 0).await, super::NOTHING);
}

#[tokio::test]
async fn objects_come_along_where_they_are_asked_for() {
    let all = list(things(None, None), true, 0).await;
    assert_eq!(all, [r#"thing 0 "0" *"#, r#"thing 1 "1" *"#, r#"thing 2 "2" *"#]);
    let all = list(things(Some(2), Some("gone")), true, 0).await;
    assert_eq!(all, [r#"thing 0 "0" *"#], "what is gone meanwhile is left out");
    let all = list(things(Some(2), Some("unreadable")), true, 0).await;
    assert_eq!(all, [r#"thing 0 "0" *"#, r#"thing 1 "unreadable" error: It broke"#]);
}

#[tokio::test]
async fn no_more_than_the_limit_is_sent() {
    assert_eq!(list(things(Some(500), None), false, 3).await.len(), 3);
    assert_eq!(list(things(Some(500), None), true, 3).await.len(), 3);
    assert_eq!(list(things(Some(500), None), true, 0).await.len(), 500);
}

#[tokio::test]
async fn a_list_that_fails_says_so() {
    assert_eq!(list(things(None, Some("list")), false, 0).await, ["error: It broke"]);
    assert_eq!(list(things(None, Some("panic")), false, 0).await, ["error: The list ended early"]);
    let all = list(things(Some(1), Some("warn")), false, 0).await;
    assert_eq!(all, ["warning: Listed", r#"thing 0 "0""#]);
    let request = |count| validate_list_resource_config::Request {
        type_name: "toy_thing".into(),
        config: things(Some(count), None),
        ..Default::default()
    };
    for (count, expected) in [(1, vec![]), (-1, vec!["error: It broke"])] {
        let answer = server().await.validate_list_resource_config(Request::new(request(count))).await;
        assert_eq!(said(answer.unwrap().into_inner().diagnostics), expected);
    }
}

fn deed(what: Value) -> Option<DynamicValue> {
    wire::<Deed>(vec![what])
}

async fn invoke(what: &str) -> Vec<String> {
    use invoke_action::event::Type;
    let action_type = "toy_deed".to_owned();
    let request = invoke_action::Request { action_type, config: deed(what.into()), ..Default::default() };
    let mut events = server().await.invoke_action(Request::new(request)).await.unwrap().into_inner();
    let mut all = Vec::new();
    while let Some(event) = events.next().await {
        match event.unwrap().r#type.unwrap() {
            Type::Progress(it) => all.push(it.message),
            Type::Completed(it) => all.push(format!("completed: {}", said(it.diagnostics).join(", "))),
        }
    }
    all
}

#[tokio::test]
async fn an_action_says_how_far_it_is_and_how_it_ended() {
    assert_eq!(invoke("it").await, ["began", "did it", "completed: warning: Done"]);
    assert_eq!(invoke("fail").await, ["began", "did fail", "completed: error: It broke, warning: Done"]);
    let ended = "completed: error: The action ended early, warning: Done";
    assert_eq!(invoke("panic").await, ["began", "did panic", ended]);
}

#[tokio::test]
async fn an_action_is_checked_and_planned() {
    for (what, expected) in [("it", vec![]), ("invalid", vec!["error: It broke"])] {
        let config = deed(what.into());
        let request = validate_action_config::Request { type_name: "toy_deed".into(), config };
        let answer = server().await.validate_action_config(Request::new(request)).await.unwrap();
        assert_eq!(said(answer.into_inner().diagnostics), expected);
    }
    for (what, expected) in [("it".into(), "Planned Some(\"it\")"), (Value::Unknown, "Planned None")] {
        let request =
            plan_action::Request { action_type: "toy_deed".into(), config: deed(what), ..Default::default() };
        let answer = server().await.plan_action(Request::new(request)).await.unwrap().into_inner();
        assert_eq!(said(answer.diagnostics), [format!("warning: {expected}")]);
    }
}

#[tokio::test]
async fn both_are_on_offer() {
    let server = server().await;
    let schemas = server.get_provider_schema(Request::new(get_provider_schema::Request {})).await.unwrap();
    let schemas = schemas.into_inner();
    assert_eq!(schemas.list_resource_schemas.keys().collect::<Vec<_>>(), ["toy_thing"]);
    assert_eq!(schemas.action_schemas.keys().collect::<Vec<_>>(), ["toy_deed"]);
    let metadata = server.get_metadata(Request::new(get_metadata::Request {})).await.unwrap().into_inner();
    assert_eq!((metadata.list_resources.len(), metadata.actions.len()), (1, 1));
}

/// A server whose provider block is not known.
async fn unknown() -> Server<Toy> {
    let server = Server::<Toy>::new(CancellationToken::new());
    let config = wire::<super::Block>(vec![Value::Unknown]);
    let request = configure_provider::Request { config, ..Default::default() };
    server.configure_provider(Request::new(request)).await.unwrap();
    server
}

#[tokio::test]
async fn what_needs_an_unknown_provider_waits_where_the_host_can() {
    let server = unknown().await;
    let reason = deferred::Reason::ProviderConfigUnknown;
    for allowed in [true, false] {
        let client_capabilities =
            Some(ClientCapabilities { deferral_allowed: allowed, ..Default::default() });
        let type_name = "toy_thing".to_owned();
        let state = || on_the_wire(Some(Thing::new(Some("1"), None)));
        let request = read_resource::Request {
            type_name: type_name.clone(),
            current_state: state(),
            client_capabilities,
            ..Default::default()
        };
        let read = server.read_resource(Request::new(request)).await.unwrap().into_inner();
        assert_eq!(read.deferred.map(|it| it.reason()), allowed.then_some(reason));
        assert_eq!(read.diagnostics.is_empty(), allowed);
        assert!(off_the_wire::<Thing>(read.new_state).is_some());

        let null = || on_the_wire::<Thing>(None);
        let request = plan_resource_change::Request {
            type_name: type_name.clone(),
            prior_state: null(),
            proposed_new_state: state(),
            config: state(),
            client_capabilities,
            ..Default::default()
        };
        let plan = server.plan_resource_change(Request::new(request)).await.unwrap().into_inner();
        assert_eq!(plan.deferred.map(|it| it.reason()), allowed.then_some(reason));
        assert!(plan.diagnostics.is_empty() && plan.planned_state.is_some());

        let request = import_resource_state::Request {
            type_name,
            id: "1".into(),
            client_capabilities,
            ..Default::default()
        };
        let import = server.import_resource_state(Request::new(request)).await.unwrap().into_inner();
        assert_eq!(import.deferred.map(|it| it.reason()), allowed.then_some(reason));
        assert_eq!(import.imported_resources.len(), usize::from(allowed));
        assert_eq!(import.diagnostics.is_empty(), allowed);

        let request = plan_action::Request {
            action_type: "toy_deed".into(),
            config: deed("it".into()),
            client_capabilities,
        };
        let plan = server.plan_action(Request::new(request)).await.unwrap().into_inner();
        assert_eq!(plan.deferred.map(|it| it.reason()), allowed.then_some(reason));
    }
}
