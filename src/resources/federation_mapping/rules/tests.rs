use serde_json::{Value as Json, json};

use super::*;
use crate::tf::Type;

fn found(rules: &Json, version: &str) -> Vec<String> {
    problems(&Value::of_json(rules), Some(version))
}

/// What is wrong with a rule of these.
fn rule(local: Json, remote: Json, version: &str) -> Vec<String> {
    found(&json!([{"local": local, "remote": remote}]), version)
}

fn local(it: Json) -> Vec<String> {
    rule(json!([it]), json!([{"type": "A"}, {"type": "B", "whitelist": ["x"]}]), "3.0")
}

fn remote(it: Json) -> Vec<String> {
    rule(json!([]), json!([it]), "1.0")
}

#[test]
fn what_keystone_takes_is_fine() {
    let rules = json!([
        {
            "local": [
                {"user": {"name": "{0}", "email": "{1}", "type": "ephemeral", "domain": {"name": "partners"}}},
                {"user": {"id": "{0[0]} {1!r:>4} {{x}}"}, "group": {"id": "0cd5e9"}},
                {"group": {"name": "all", "domain": {"id": "default"}}},
                {"groups": "{2}", "domain": {"name": "partners"}, "group_ids": "{}"},
                {"projects": [{"name": "Home of {0}", "roles": [{"name": "member"}]}]},
                {},
            ],
            "remote": [
                {"type": "OIDC_SUB"},
                {"type": "OIDC_ISS", "any_one_of": ["a", "b"], "regex": false},
                {"type": "OIDC_EMAIL", "blacklist": []},
                {"type": "OIDC_GROUPS", "whitelist": ["^vo-"], "regex": true},
                {"type": "OIDC_ACR", "not_any_of": ["x"]},
            ],
        },
        {"local": [], "remote": [{"type": "OIDC_SUB"}]},
    ]);
    for version in VERSIONS {
        assert_eq!(found(&rules, version), [] as [&str; 0], "{version}");
    }
}

#[test]
fn each_mistake_is_told_with_its_place() {
    let told = |found: Vec<String>| found.join("\n");
    let cases = [
        (found(&json!("x"), "1.0"), "rules: Expected a list; got a string."),
        (found(&json!({"rules": []}), "1.0"), "rules: Expected a list; got an object."),
        (found(&json!([]), "1.0"), "rules: Expected at least one; got none."),
        (found(&json!([[]]), "1.0"), "rules[0]: Expected an object; got a list."),
        (found(&json!([{"remote": [{"type": "A"}]}]), "1.0"), "rules[0]: `local` is missing."),
        (found(&json!([{"local": []}]), "1.0"), "rules[0]: `remote` is missing."),
        (
            found(&json!([{"local": {}, "remote": [{"type": "A"}]}]), "1.0"),
            "rules[0].local: Expected a list; got an object.",
        ),
        (rule(json!([]), json!([]), "1.0"), "rules[0].remote: Expected at least one; got none."),
        (remote(json!({"any_one_of": ["x"]})), "rules[0].remote[0]: `type` is missing."),
        (remote(json!({"type": 1})), "rules[0].remote[0].type: Expected a string; got a number."),
        (
            remote(json!({"type": "A", "one_of": []})),
            "rules[0].remote[0]: `one_of` is unknown here. Expected `type`, `any_one_of`, `not_any_of`, `blacklist`, \
             `whitelist`, `regex`.",
        ),
        (
            remote(json!({"type": "A", "any_one_of": ["x"], "whitelist": ["x"]})),
            "rules[0].remote[0]: Expected at most one of `any_one_of`, `not_any_of`, `blacklist`, `whitelist`; got \
             `any_one_of` and `whitelist`.",
        ),
        (
            remote(json!({"type": "A", "regex": true})),
            "rules[0].remote[0]: `regex` is about one of `any_one_of`, `not_any_of`, `blacklist`, `whitelist`.",
        ),
        (
            remote(json!({"type": "A", "whitelist": "x", "regex": "yes"})),
            "rules[0].remote[0].regex: Expected a bool; got a string.\n\
             rules[0].remote[0].whitelist: Expected a list; got a string.",
        ),
        (
            remote(json!({"type": "A", "any_one_of": ["x", 1]})),
            "rules[0].remote[0].any_one_of[1]: Expected a string; got a number.",
        ),
        (
            local(json!({"users": {}})),
            "rules[0].local[0]: `users` is unknown here. Expected `user`, `group`, `groups`, `group_ids`, `domain`, \
             `projects`, `projects_json`.",
        ),
        (local(json!({"user": "{0}"})), "rules[0].local[0].user: Expected an object; got a string."),
        (
            local(json!({"user": {"type": "remote"}})),
            "rules[0].local[0].user.type: Expected `ephemeral`, `local`; got \"remote\".",
        ),
        (
            local(json!({"user": {"name": true}})),
            "rules[0].local[0].user.name: Expected a string; got a bool.",
        ),
        (
            local(json!({"user": {"domain": {"is": "x"}}})),
            "rules[0].local[0].user.domain: `is` is unknown here. Expected `id`, `name`.",
        ),
        (
            local(json!({"group": {"id": "a", "name": "b", "domain": {"id": "d"}}})),
            "rules[0].local[0].group: Expected either `id`, or `name` and `domain`.",
        ),
        (
            local(json!({"group": {"name": "b"}})),
            "rules[0].local[0].group: Expected either `id`, or `name` and `domain`.",
        ),
        (
            local(json!({"group": {"name": "b", "domain": {}}})),
            "rules[0].local[0].group.domain: Expected `id` or `name`; got neither.",
        ),
        (local(json!({"groups": ["{0}"]})), "rules[0].local[0].groups: Expected a string; got a list."),
        (
            local(json!({"projects": [{"name": "p"}, {"roles": [{"id": "r"}]}]})),
            "rules[0].local[0].projects[0]: `roles` is missing.\n\
             rules[0].local[0].projects[1]: `name` is missing.\n\
             rules[0].local[0].projects[1].roles[0]: `id` is unknown here. Expected `name`.\n\
             rules[0].local[0].projects[1].roles[0]: `name` is missing.",
        ),
        (
            local(json!({"projects_json": "x"})),
            "rules[0].local[0].projects_json: Expected a value such as `{0}`; got \"x\".",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(told(found), expected);
    }
}

#[test]
fn later_versions_take_more() {
    let with_domain = json!([{"projects": [{"name": "p", "roles": [], "domain": {"name": "d"}}]}]);
    let of_json = json!([{"projects_json": "{0}"}]);
    let found = |local: &Json, version| rule(local.clone(), json!([{"type": "A"}]), version);
    assert_eq!(
        found(&with_domain, "1.0"),
        ["rules[0].local[0].projects[0]: `domain` of a project needs `schema_version = \"2.0\"` or \"3.0\"."]
    );
    for version in ["1.0", "2.0"] {
        assert_eq!(
            found(&of_json, version),
            ["rules[0].local[0]: `projects_json` needs `schema_version = \"3.0\"`."]
        );
    }
    assert!(found(&with_domain, "2.0").is_empty() && found(&with_domain, "3.0").is_empty());
    assert!(found(&of_json, "3.0").is_empty());
}

#[test]
fn each_placeholder_has_a_value() {
    // A condition gives none: of these three remotes one counts.
    let remotes =
        json!([{"type": "A", "any_one_of": ["x"]}, {"type": "B"}, {"type": "C", "not_any_of": ["x"]}]);
    let found = |text: &str| rule(json!([{"user": {"name": text}}]), remotes.clone(), "1.0");
    for good in ["{0}", "{}", "{0} {0}", "{{1}}", "", "}}{{", "{0:{0}}", "{0} {{}}"] {
        assert_eq!(found(good), [] as [&str; 0], "{good}");
    }
    assert_eq!(
        found("{1}"),
        [
            "rules[0].local[0].user.name: There is no value `{1}`: the remotes of this rule give one value, `{0}`. A remote \
          with `any_one_of` or `not_any_of` is a condition and gives none."
        ]
    );
    for bad in ["{} {}", "{", "}", "{0", "{{0}", "{name}", "{-1}", "{0} {}", "{0}}"] {
        assert_eq!(found(bad).len(), 1, "{bad}: {:?}", found(bad));
    }
    let none = rule(json!([{"groups": "{0}"}]), json!([{"type": "A", "any_one_of": ["x"]}]), "1.0");
    assert!(none[0].contains("give no value"), "{none:?}");
    // An index that leads elsewhere in version 3.0.
    assert_eq!(rule(json!([{"projects_json": "{1}"}]), json!([{"type": "A"}]), "3.0").len(), 1);
}

#[test]
fn what_is_unknown_is_passed_over() {
    let map =
        |all: Vec<(&str, Value)>| Value::Map(all.into_iter().map(|(key, it)| (key.into(), it)).collect());
    let name = |it: &str| map(vec![("user", map(vec![("name", it.into())]))]);
    for remotes in [
        Value::Unknown,
        Value::List(vec![Value::Unknown]),
        // It may become a null, and the remote give a value.
        Value::List(vec![map(vec![("type", "A".into()), ("any_one_of", Value::Unknown)])]),
    ] {
        let rules =
            Value::List(vec![map(vec![("local", Value::List(vec![name("{7}")])), ("remote", remotes)])]);
        assert_eq!(problems(&rules, Some("1.0")), [] as [&str; 0]);
    }
    for rules in [Value::Unknown, Value::List(vec![Value::Unknown])] {
        assert_eq!(problems(&rules, None), [] as [&str; 0]);
    }
    // The rest is checked all the same.
    let rules = Value::List(vec![Value::Unknown, Value::Bool(true)]);
    assert_eq!(problems(&rules, None), ["rules[1]: Expected an object; got a bool."]);
}

#[test]
fn all_forms_mean_the_same() {
    let json = json!([{"local": [], "remote": [{"type": "A", "whitelist": ["1", 2], "regex": null}]}]);
    let text = |it: &str| Value::Dynamic(Box::new((Type::String, it.into())));
    let one = meaning(&Value::dynamic(&json));
    assert_eq!(one, meaning(&text(&json.to_string())));
    assert_eq!(
        one,
        meaning(&text(r#"[ {"remote": [{"whitelist": ["1", 2.0], "type": "A"}], "local": []} ]"#))
    );
    assert_ne!(one, meaning(&text(&json.to_string().replace("\"1\"", "1"))));
    let why = meaning(&text("[")).unwrap_err();
    assert!(why.contains("this text is no JSON"), "{why}");
}
