//! Functions, called as a host calls them: with a server that nobody configured.

use tenancy::tf::proto::tfplugin6::provider_server::Provider as _;
use tenancy::tf::proto::tfplugin6::{
    Function as Described, FunctionError, StringKind, call_function, get_functions, get_metadata,
    get_provider_schema,
};
use tenancy::tf::{At, Function, Model, Refused, Server, Type, Value, msgpack};
use tokio_util::sync::CancellationToken;
use tonic::Request;

use super::{DynamicValue, Toy};

/// Repeats a text,
/// so and so often.
///
/// More of it.
#[derive(Model)]
pub(super) struct Repeat {
    /// What.
    text: String,
    /// How often. Twice, if null.
    times: Option<i64>,
}

impl Function for Repeat {
    const NAME: &'static str = "repeat";
    type Output = Vec<String>;

    fn call(self) -> Result<Vec<String>, Refused> {
        let times = self.times.unwrap_or(2);
        let times = usize::try_from(times);
        let times =
            times.map_err(|_| Refused::at(At::new("times", |it: &Repeat| &it.times), "it is negative"))?;
        Ok(vec![self.text; times])
    }
}

fn toy() -> Server<Toy> {
    Server::new(CancellationToken::new())
}

fn packed(value: &Value, ty: &Type) -> DynamicValue {
    DynamicValue { msgpack: msgpack::write_type(value, ty).into(), ..Default::default() }
}

fn text(it: &str) -> DynamicValue {
    packed(&it.into(), &Type::String)
}

fn number(it: i64) -> DynamicValue {
    packed(&Value::Number(it.into()), &Type::Number)
}

async fn call(arguments: Vec<DynamicValue>) -> Result<Value, FunctionError> {
    let request = call_function::Request { name: "repeat".into(), arguments };
    let answer = toy().call_function(Request::new(request)).await.unwrap().into_inner();
    match (answer.result, answer.error) {
        (Some(it), None) => Ok(msgpack::read_type(&it.msgpack, &Type::List(Box::new(Type::String))).unwrap()),
        (None, Some(it)) => Err(it),
        other => panic!("{other:?}"),
    }
}

fn refused(text: &str, function_argument: Option<i64>) -> Result<Value, FunctionError> {
    Err(FunctionError { text: text.into(), function_argument })
}

fn list(all: &[&str]) -> Result<Value, FunctionError> {
    Ok(Value::List(all.iter().map(|it| (*it).into()).collect()))
}

#[tokio::test]
async fn is_described_the_same_everywhere() {
    let server = toy();
    let functions =
        server.get_functions(Request::new(get_functions::Request {})).await.unwrap().into_inner().functions;
    let schemas = server.get_provider_schema(Request::new(get_provider_schema::Request {})).await.unwrap();
    assert_eq!(schemas.into_inner().functions, functions);
    let metadata = server.get_metadata(Request::new(get_metadata::Request {})).await.unwrap().into_inner();
    assert_eq!(metadata.functions.into_iter().map(|it| it.name).collect::<Vec<_>>(), ["repeat"]);

    let Described { parameters, r#return, summary, description, description_kind, .. } = &functions["repeat"];
    let parameters: Vec<_> = parameters
        .iter()
        .map(|it| (&*it.name, &it.r#type[..], it.allow_null_value, &*it.description))
        .collect();
    assert_eq!(
        parameters,
        [
            ("text", &b"\"string\""[..], false, "What."),
            ("times", &b"\"number\""[..], true, "How often. Twice, if null.")
        ]
    );
    assert_eq!(&r#return.as_ref().unwrap().r#type[..], br#"["list","string"]"#);
    assert_eq!(summary, "Repeats a text, so and so often.");
    assert_eq!(description, "Repeats a text,\nso and so often.\n\nMore of it.");
    assert_eq!(*description_kind, i32::from(StringKind::Markdown));
}

#[tokio::test]
async fn is_called_with_what_hosts_send() {
    assert_eq!(call(vec![text("a"), number(3)]).await, list(&["a", "a", "a"]));
    let null = packed(&Value::Null, &Type::Number);
    assert_eq!(call(vec![text("a"), null]).await, list(&["a", "a"]));
    // OpenTofu's null.
    assert_eq!(call(vec![text("a"), DynamicValue::default()]).await, list(&["a", "a"]));
    let json = DynamicValue { json: b"1".to_vec().into(), ..Default::default() };
    assert_eq!(call(vec![text("a"), json]).await, list(&["a"]));
}

#[tokio::test]
async fn says_which_argument_is_wrong() {
    assert_eq!(call(vec![text("a"), number(-1)]).await, refused("it is negative", Some(1)));
    let null = DynamicValue::default();
    assert_eq!(call(vec![null, number(1)]).await, refused("expected a string, found null", Some(0)));
    assert_eq!(call(vec![text("a")]).await, refused("it takes 2 arguments, and got 1", None));
}

#[tokio::test]
async fn what_is_not_known_gives_nothing_known() {
    let unknown = packed(&Value::Unknown, &Type::Number);
    assert_eq!(call(vec![text("a"), unknown]).await, Ok(Value::Unknown));
}

#[tokio::test]
async fn one_that_does_not_exist_is_an_error_of_its_own() {
    let request = call_function::Request { name: "nothing".into(), arguments: Vec::new() };
    let answer = toy().call_function(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(answer.error.map(|it| it.text).as_deref(), Some("this provider has no function \"nothing\""));
}
