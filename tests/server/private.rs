//! What the host keeps for an object beside its state.

use serde::{Deserialize, Serialize};
use tenancy::tf::proto::tfplugin6::provider_server::Provider as _;
use tenancy::tf::proto::tfplugin6::{
    apply_resource_change, import_resource_state, plan_resource_change, read_resource,
};
use tenancy::tf::{Change, Computed, Context, Model, Outcome, Resource, Result, Server};
use tokio_util::sync::CancellationToken;
use tonic::Request;

use super::{Nobody, Toy, broken, on_the_wire, said, server, tf};

/// A thing that remembers what was last done to it, unless told not to.
#[derive(Clone, Debug, PartialEq, Model)]
pub(super) struct Diary {
    /// Id.
    #[tf(keep)]
    id: Computed<String>,
    /// Whether it remembers.
    remembers: bool,
    /// Whether a create fails.
    fails: Option<bool>,
}

/// What it remembers.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    call: String,
    before: Option<Box<Entry>>,
}

fn remember(call: &str, diary: &Diary, client: &Context<Nobody>) {
    if diary.remembers {
        client.keep_private(&Entry { call: call.to_owned(), before: client.private() });
    }
}

impl Resource for Diary {
    const NAME: &'static str = "diary";
    type Client = Nobody;
    type Id = String;

    fn id(&self) -> Option<String> {
        self.id.as_known().cloned()
    }

    async fn plan(change: &mut Change<Self>, client: Option<&Context<Nobody>>) -> Result<()> {
        if let (Some(client), Some(config)) = (client, &change.config)
            && config.get(tf::At::new("remembers", |it: &Diary| &it.remembers))? == Some(true)
        {
            client.keep_private(&Entry { call: "plan".to_owned(), before: client.private() });
        }
        Ok(())
    }

    async fn create(plan: Self, client: &Context<Nobody>) -> Outcome<Self> {
        remember("create", &plan, client);
        if plan.fails == Some(true) { Err(broken().into()) } else { Ok(Diary { id: "made".into(), ..plan }) }
    }

    async fn read(id: String, last: Option<Self>, client: &Context<Nobody>) -> Result<Option<Self>> {
        let diary = last.unwrap_or(Diary { id: id.into(), remembers: true, fails: None });
        remember("read", &diary, client);
        Ok(Some(diary))
    }

    async fn update(_: Self, to: Self, client: &Context<Nobody>) -> Outcome<Self> {
        remember("update", &to, client);
        Ok(to)
    }

    async fn delete(_: Self, client: &Context<Nobody>) -> Result<()> {
        // That it saw it, it can only tell by failing.
        match client.private::<Entry>() {
            Some(it) => Err(tf::Diagnostic::error(it.call).into()),
            None => Ok(()),
        }
    }
}

fn diary(id: Option<&str>, remembers: bool) -> Diary {
    Diary { id: id.map_or(Computed::Unknown, Into::into), remembers, fails: None }
}

/// What was remembered, the latest first.
fn told(private: &[u8]) -> Vec<String> {
    let mut entry: Option<Box<Entry>> = serde_json::from_slice(private).ok();
    std::iter::from_fn(|| {
        let it = *entry.take()?;
        entry = it.before;
        Some(it.call)
    })
    .collect()
}

fn kept(call: &str) -> Vec<u8> {
    serde_json::to_vec(&Entry { call: call.to_owned(), before: None }).unwrap()
}

async fn plan(on: &Server<Toy>, from: Option<Diary>, to: Option<Diary>, private: &[u8]) -> Vec<u8> {
    let request = plan_resource_change::Request {
        type_name: "toy_diary".into(),
        prior_state: on_the_wire(from),
        proposed_new_state: on_the_wire(to.clone()),
        config: on_the_wire(to.map(|it| Diary { id: Computed::Unknown, ..it })),
        prior_private: private.to_vec().into(),
        ..Default::default()
    };
    let answer = on.plan_resource_change(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(said(answer.diagnostics), [""; 0]);
    answer.planned_private.into()
}

async fn apply(from: Option<Diary>, to: Option<Diary>, private: &[u8]) -> (Vec<u8>, Vec<String>) {
    let request = apply_resource_change::Request {
        type_name: "toy_diary".into(),
        prior_state: on_the_wire(from),
        planned_state: on_the_wire(to),
        planned_private: private.to_vec().into(),
        ..Default::default()
    };
    let answer = server().await.apply_resource_change(Request::new(request)).await.unwrap().into_inner();
    (answer.private.into(), said(answer.diagnostics))
}

async fn read(on: &Server<Toy>, state: Diary, private: &[u8]) -> Vec<u8> {
    let request = read_resource::Request {
        type_name: "toy_diary".into(),
        current_state: on_the_wire(Some(state)),
        private: private.to_vec().into(),
        ..Default::default()
    };
    on.read_resource(Request::new(request)).await.unwrap().into_inner().private.into()
}

#[tokio::test]
async fn each_call_sees_what_the_last_one_kept() {
    let (on, made) = (server().await, diary(Some("1"), true));
    let planned = plan(&on, None, Some(diary(None, true)), b"").await;
    assert_eq!(told(&planned), ["plan"]);
    let (created, found) = apply(None, Some(diary(None, true)), &planned).await;
    assert_eq!((told(&created), found), (vec!["create".into(), "plan".into()], vec![]));
    let seen = read(&on, made.clone(), &created).await;
    assert_eq!(told(&seen), ["read", "create", "plan"]);
    let planned = plan(&on, Some(made.clone()), Some(made.clone()), &kept("read")).await;
    assert_eq!(told(&planned), ["plan", "read"]);
    let (updated, _) = apply(Some(made.clone()), Some(made.clone()), &planned).await;
    assert_eq!(told(&updated), ["update", "plan", "read"]);
    let (left, found) = apply(Some(made), None, &updated).await;
    assert_eq!(found, ["error: update"], "a delete sees it too");
    assert_eq!(left, updated);
}

#[tokio::test]
async fn what_is_not_touched_stays_as_it_came() {
    let (on, made) = (server().await, diary(Some("1"), false));
    // That of another program's, and what is no text at all.
    for private in [&b"{\"schema_version\": 1}"[..], b"\xff\x00", b""] {
        assert_eq!(plan(&on, Some(made.clone()), Some(made.clone()), private).await, private);
        assert_eq!(read(&on, made.clone(), private).await, private);
        assert_eq!(apply(Some(made.clone()), Some(made.clone()), private).await, (private.to_vec(), vec![]));
        assert_eq!(apply(Some(made.clone()), None, private).await, (private.to_vec(), vec![]));
        let seen = read(&on, diary(Some("1"), true), private).await;
        assert_eq!(told(&seen), ["read"], "what does not fit is none");
    }
}

#[tokio::test]
async fn a_new_object_has_none_of_the_old_ones() {
    let on = server().await;
    // As a host plans the second half of a replacement.
    assert_eq!(plan(&on, None, Some(diary(None, false)), &kept("plan")).await, b"");
    assert_eq!(told(&plan(&on, None, Some(diary(None, true)), &kept("plan")).await), ["plan"]);
}

#[tokio::test]
async fn a_failed_call_keeps_it_all_the_same() {
    let failing = Diary { fails: Some(true), ..diary(None, true) };
    let (private, found) = apply(None, Some(failing), &kept("plan")).await;
    assert_eq!(
        (told(&private), found),
        (vec!["create".into(), "plan".into()], vec!["error: It broke".into()])
    );
}

#[tokio::test]
async fn an_import_has_none_and_leaves_one() {
    let request = import_resource_state::Request {
        type_name: "toy_diary".into(),
        id: "1".into(),
        ..Default::default()
    };
    let answer = server().await.import_resource_state(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(told(&answer.imported_resources[0].private), ["read"]);
}

#[tokio::test]
async fn without_a_client_it_passes_through() {
    let on = Server::<Toy>::new(CancellationToken::new());
    let made = diary(Some("1"), true);
    assert_eq!(plan(&on, Some(made.clone()), Some(made.clone()), b"{}").await, b"{}");
    assert_eq!(read(&on, made.clone(), b"{}").await, b"{}");
    let request = apply_resource_change::Request {
        type_name: "toy_diary".into(),
        prior_state: on_the_wire(Some(made.clone())),
        planned_state: on_the_wire(Some(made)),
        planned_private: b"{}".to_vec().into(),
        ..Default::default()
    };
    let answer = on.apply_resource_change(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(&answer.private[..], b"{}");
    assert_eq!(answer.diagnostics.len(), 1);
}
