//! The whole schema as users' tools see it, and the rules it must obey.
//!
//! `tests/golden/schema.json` has the shape of `terraform providers schema -json`, so a change of the language
//! shows as a change of that file. `UPDATE_EXPECT=1` rewrites it. Hosts check little of what a provider says of
//! itself: the second half of this file does it for them.

// Clippy takes the helpers of tests for something else.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use expect_test::expect_file;
use serde_json::{Map, Value as Json, json};
use tenancy::provider::{Config, TenancyProvider};
use tenancy::tf::proto::tfplugin6::provider_server::Provider as _;
use tenancy::tf::proto::tfplugin6::schema::{Attribute, object};
use tenancy::tf::proto::tfplugin6::{self as wire, get_provider_schema, get_resource_identity_schemas};
use tenancy::tf::{Field, Kind, Model, Nesting, Presence, Provider, Schema, Server, Type};
use tokio_util::sync::CancellationToken;
use tonic::Request;

#[tokio::test]
async fn the_schema_is_the_committed_one() {
    let server = Server::<TenancyProvider>::new(CancellationToken::new());
    let all = server.get_provider_schema(Request::new(get_provider_schema::Request::default()));
    let all = all.await.unwrap().into_inner();
    let identities = get_resource_identity_schemas::Request::default();
    let identities =
        server.get_resource_identity_schemas(Request::new(identities)).await.unwrap().into_inner();
    assert!(all.diagnostics.is_empty() && identities.diagnostics.is_empty());

    let many = |all: &std::collections::BTreeMap<String, wire::Schema>| -> Map<String, Json> {
        all.iter().map(|(name, it)| (name.clone(), schema(it))).collect()
    };
    let identities: Map<_, _> =
        identities.identity_schemas.iter().map(|(name, it)| (name.clone(), identity(it))).collect();
    let functions: Map<_, _> = all.functions.iter().map(|(name, it)| (name.clone(), function(it))).collect();
    let whole = json!({
        "format_version": "1.0",
        "provider_schemas": { "registry.terraform.io/tenancy/tenancy": {
            "provider": schema(&all.provider.unwrap()),
            "resource_schemas": many(&all.resource_schemas),
            "data_source_schemas": many(&all.data_source_schemas),
            "ephemeral_resource_schemas": many(&all.ephemeral_resource_schemas),
            "functions": functions,
            "resource_identity_schemas": identities,
        }},
    });
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/schema.json");
    expect_file![golden].assert_eq(&format!("{whole:#}\n"));
}

fn schema(it: &wire::Schema) -> Json {
    let block = it.block.as_ref().unwrap();
    assert!(block.block_types.is_empty(), "we nest attributes, not blocks");
    json!({ "version": it.version, "block": {
        "attributes": attributes(&block.attributes),
        "description": block.description,
        "description_kind": "markdown",
    }})
}

fn attributes(all: &[Attribute]) -> Map<String, Json> {
    all.iter().map(|it| (it.name.clone(), attribute(it))).collect()
}

/// As Terraform prints it: what is false or empty is left out.
fn attribute(it: &Attribute) -> Json {
    let mut json = json!({ "description": it.description, "description_kind": "markdown" });
    if !it.r#type.is_empty() {
        json["type"] = serde_json::from_slice(&it.r#type).unwrap();
    }
    if let Some(nested) = &it.nested_type {
        let nesting = match nested.nesting() {
            object::NestingMode::Single => "single",
            object::NestingMode::List => "list",
            object::NestingMode::Set => "set",
            object::NestingMode::Map => "map",
            object::NestingMode::Invalid => unreachable!("a nested attribute has a nesting"),
        };
        json["nested_type"] =
            json!({ "attributes": attributes(&nested.attributes), "nesting_mode": nesting });
    }
    let flags = [
        ("required", it.required),
        ("optional", it.optional),
        ("computed", it.computed),
        ("sensitive", it.sensitive),
        ("write_only", it.write_only),
        ("deprecated", it.deprecated),
    ];
    for (name, _) in flags.into_iter().filter(|(_, on)| *on) {
        json[name] = true.into();
    }
    json
}

fn function(it: &wire::Function) -> Json {
    let ty = |json: &[u8]| serde_json::from_slice::<Json>(json).unwrap();
    let parameters = it.parameters.iter().map(|it| {
        let mut json = json!({ "name": it.name, "description": it.description, "type": ty(&it.r#type) });
        if it.allow_null_value {
            json["is_nullable"] = true.into();
        }
        json
    });
    json!({
        "summary": it.summary,
        "description": it.description,
        "return_type": ty(&it.r#return.as_ref().unwrap().r#type),
        "parameters": parameters.collect::<Vec<_>>(),
    })
}

fn identity(it: &wire::ResourceIdentitySchema) -> Json {
    let attributes = it.identity_attributes.iter().map(|it| {
        let mut json =
            json!({ "type": serde_json::from_slice::<Json>(&it.r#type).unwrap(), "description": it.description });
        for (name, _) in
            [("required_for_import", it.required_for_import), ("optional_for_import", it.optional_for_import)]
                .into_iter()
                .filter(|(_, on)| *on)
        {
            json[name] = true.into();
        }
        (it.name.clone(), json)
    });
    json!({ "version": it.version, "attributes": attributes.collect::<Map<_, _>>() })
}

// From here on: the rules.

/// What a schema is for. Some rules differ.
#[derive(Clone, Copy, PartialEq)]
enum For {
    Provider,
    Resource,
    Data,
    Ephemeral,
    Function,
}

fn all() -> Vec<(For, String, Arc<Schema>)> {
    let name = |it: &str| format!("{}_{it}", TenancyProvider::NAME);
    let resources = TenancyProvider::resources()
        .into_iter()
        .map(|it| (For::Resource, name(it.name()), it.schema().clone()));
    let data = TenancyProvider::data_sources()
        .into_iter()
        .map(|it| (For::Data, format!("data.{}", name(it.name())), it.schema().clone()));
    let ephemerals = TenancyProvider::ephemerals()
        .into_iter()
        .map(|it| (For::Ephemeral, format!("ephemeral.{}", name(it.name())), it.schema().clone()));
    let functions = TenancyProvider::functions()
        .into_iter()
        .map(|it| (For::Function, it.name().to_owned(), it.schema().clone()));
    let provider = (For::Provider, "provider".to_owned(), Arc::new(Config::schema()));
    std::iter::once(provider).chain(resources).chain(data).chain(ephemerals).chain(functions).collect()
}

/// Calls `rule` with each attribute, however deep, and the place it is at; collects what it says.
#[track_caller]
fn every(rule: impl Fn(For, &str, usize, &Field) -> Option<&'static str>) {
    fn walk(
        what: For,
        schema: &Schema,
        at: &str,
        depth: usize,
        rule: &dyn Fn(For, &str, usize, &Field) -> Option<&'static str>,
        broken: &mut Vec<String>,
    ) {
        for field in &schema.fields {
            let at = format!("{at}.{}", field.name);
            if let Some(why) = rule(what, &at, depth, field) {
                broken.push(format!("{at}: {why}"));
            }
            if let Kind::Nested(_, inner) = &field.kind {
                walk(what, inner, &at, depth + 1, rule, broken);
            }
        }
    }
    let mut broken = Vec::new();
    for (what, name, schema) in all() {
        walk(what, &schema, &name, 0, &rule, &mut broken);
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

fn said(wrong: bool, why: &'static str) -> Option<&'static str> {
    wrong.then_some(why)
}

fn is_name(it: &str) -> bool {
    it.starts_with(|it: char| it.is_ascii_lowercase() || it == '_')
        && it.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_')
}

#[test]
fn names_are_names_and_not_reserved() {
    const META: &[&str] =
        &["connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioner"];
    every(|what, _, depth, it| {
        let reserved: &[&str] = if what == For::Provider { &["alias", "version"] } else { META };
        said(!is_name(it.name), "not a name")
            .or(said(depth == 0 && reserved.contains(&it.name), "reserved by Terraform"))
    });
    for (_, name, schema) in all() {
        assert!(is_name(name.rsplit('.').next().unwrap()), "{name}");
        let mut names: Vec<_> = schema.fields.iter().map(|it| it.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), schema.fields.len(), "{name} has a name twice");
    }
}

#[test]
fn descriptions_are_sentences() {
    let wrong = |it: &str| {
        let first = it.chars().next();
        first.is_none_or(|it| it.is_lowercase()) || !it.ends_with('.') || it.contains("  ")
    };
    every(|_, _, _, it| said(wrong(it.description), "the description is no sentence"));
    for (_, name, schema) in all() {
        assert!(!wrong(schema.description), "the description of {name} is no sentence");
    }
}

#[test]
fn a_provider_block_computes_nothing() {
    every(|what, _, _, it| {
        said(what == For::Provider && it.presence == Presence::Computed, "nobody can read it")
            .or(said(what == For::Provider && it.write_only, "a provider block is not stored anyway"))
            .or(said(what != For::Resource && (it.replace || it.keep), "only a resource is replaced or kept"))
    });
}

/// Parameters are values that are given: what only attributes have would be lost on the way.
#[test]
fn parameters_are_plain_values() {
    every(|what, _, _, it| {
        let given = matches!(it.presence, Presence::Required | Presence::Optional);
        let plain = matches!(it.kind, Kind::Plain(_)) && given && it.default.is_none();
        let bare = it.choices.is_empty() && it.checks.is_empty() && it.deprecated.is_none();
        let shown = !it.sensitive && !it.write_only;
        said(what == For::Function && !(plain && bare && shown), "more than a plain value")
    });
    for it in TenancyProvider::functions() {
        assert!(!it.schema().summary().is_empty() && it.returns() != Type::Dynamic, "{}", it.name());
    }
}

#[test]
fn write_only_is_not_stored() {
    every(|_, _, _, it| {
        said(it.write_only && it.presence.is_computed(), "write-only and computed")
            .or(said(it.write_only && it.default.is_some(), "write-only with a default"))
            .or(said(it.write_only && it.replace, "write-only and compared"))
    });
    fn has_write_only(kind: &Kind) -> bool {
        match kind {
            Kind::Nested(_, schema) => {
                schema.fields.iter().any(|it| it.write_only || has_write_only(&it.kind))
            }
            Kind::Plain(_) => false,
        }
    }
    every(|_, _, _, it| {
        let set = matches!(it.kind, Kind::Nested(Nesting::Set, _));
        said(set && has_write_only(&it.kind), "a set cannot hold write-only values")
    });
}

#[test]
fn collections_hold_no_dynamic_values() {
    fn dynamic(ty: &Type) -> bool {
        match ty {
            Type::Dynamic => true,
            Type::List(it) | Type::Set(it) | Type::Map(it) => dynamic(it),
            Type::Tuple(all) => all.iter().any(dynamic),
            Type::Object(all) => all.values().any(dynamic),
            Type::Bool | Type::Number | Type::String => false,
        }
    }
    fn inside(kind: &Kind) -> bool {
        match kind {
            Kind::Plain(ty) => dynamic(ty),
            Kind::Nested(_, schema) => schema.fields.iter().any(|it| inside(&it.kind)),
        }
    }
    every(|_, _, _, it| {
        let collection = match &it.kind {
            Kind::Plain(Type::Dynamic) => false,
            Kind::Plain(_) => true,
            Kind::Nested(nesting, _) => *nesting != Nesting::Single,
        };
        said(collection && inside(&it.kind), "Terraform gives the elements of a collection one type")
    });
}

#[test]
fn computed_objects_are_computed_all_the_way() {
    every(|_, _, _, it| {
        let Kind::Nested(_, schema) = &it.kind else { return None };
        let asks = schema.fields.iter().any(|it| it.presence == Presence::Required);
        said(it.presence == Presence::Computed && asks, "nobody can write what is required inside")
    });
}

#[test]
fn defaults_pass_their_own_checks() {
    every(|_, _, _, it| {
        let Some(default) = &it.default else { return None };
        let text = match default {
            tenancy::tf::Value::String(text) => Some(&**text),
            _ => None,
        };
        let allowed = it.choices.is_empty() || text.is_some_and(|it_is| it.choices.contains(&it_is));
        said(!allowed, "the default is none of the choices")
            .or(said(it.checks.iter().any(|check| check(default).is_err()), "the default fails its check"))
            .or(said(
                it.presence != Presence::OptionalComputed,
                "a default that is not optional and computed",
            ))
            .or(said(it.managed_if_set, "a default of what is managed only if set"))
    });
}

#[test]
fn choices_are_named_in_the_description_or_the_default() {
    every(|_, _, _, it| {
        let named = |choice: &&str| it.description.contains(&format!("`{choice}`"));
        said(!it.choices.iter().all(named), "the description does not say what each choice does")
    });
}

#[test]
fn secrets_are_sensitive() {
    const ENDS: &[&str] = &["password", "secret", "token", "passcode", "_key", "private_key"];
    every(|_, _, _, it| {
        let secret = ENDS.iter().any(|end| it.name.ends_with(end));
        said(secret && !it.sensitive && !it.write_only, "a secret that Terraform would show")
    });
}

#[test]
fn identities_are_made_of_simple_values() {
    for resource in TenancyProvider::resources() {
        let (name, identity) = (resource.name(), resource.identity());
        assert!(!identity.fields.is_empty(), "{name} has no identity");
        for it in &identity.fields {
            let simple = match &it.kind {
                Kind::Plain(Type::Bool | Type::Number | Type::String) => true,
                Kind::Plain(Type::List(inner)) => matches!(**inner, Type::Bool | Type::Number | Type::String),
                _ => false,
            };
            assert!(simple, "{name}: the identity's {} is no simple value", it.name);
            assert!(is_name(it.name), "{name}: {}", it.name);
            assert!(it.description.ends_with('.'), "{name}: the identity's {} is not described", it.name);
            assert!(
                !it.sensitive && !it.write_only,
                "{name}: the identity's {} is stored in the open",
                it.name
            );
            let attribute = resource.schema().position(it.name);
            assert!(attribute.is_some(), "{name}: the identity's {} is no attribute of it", it.name);
        }
        let given = identity.fields.iter().any(|it| it.presence == Presence::Required);
        assert!(given, "{name}: nothing of the identity must be given");
    }
}
