use expect_test::{Expect, expect};
use secrecy::ExposeSecret;

use super::*;
use crate::openstack::auth::{ProjectRef, UserRef};

const HOME: &str = "/users/me/.config/openstack/clouds.yaml";

const CLOUDS: &str = "
clouds:
  prod:
    auth:
      auth_url: https://prod.example:5000/v3
      username: replicator
      password: cloud-pw
      user_domain_name: Ops
      project_name: admin
      project_domain_name: Ops
    region_name: RegionProd
    interface: internal
    unknown_key: {deep: [1, 2]}
  app:
    auth_type: v3applicationcredential
    auth: {auth_url: https://app.example, application_credential_id: ac, application_credential_secret: s}
  numbers:
    auth: {auth_url: https://n.example, username: 7, password: 0123, project_id: 42}
    verify: 'False'
    api_timeout: 90
";

/// Who logs in where, in one line, with the secret that would be sent.
fn summary(config: &Config) -> String {
    let secrets: Vec<_> =
        config.credential.secrets().iter().map(|it| it.expose_secret().to_owned()).collect();
    format!(
        "{} | {} with {} | {} | {} {}",
        config.keystone,
        config.credential,
        secrets.join("+"),
        config.scope,
        config.interface.as_str(),
        config.region.as_deref().unwrap_or("-"),
    )
}

fn check<const V: usize>(inline: Settings, variables: [(&str, &str); V], expected: Expect) {
    let around = Surroundings::given(variables, [(HOME, CLOUDS)]);
    let actual = match Config::from_sources(inline, &around) {
        Ok(config) => summary(&config),
        Err(why) => format!("error: {why}"),
    };
    expected.assert_eq(&actual);
}

fn text(it: &str) -> Option<String> {
    Some(it.to_owned())
}

fn cloud(name: &str) -> Settings {
    Settings { cloud: text(name), ..Default::default() }
}

#[test]
fn the_first_source_that_speaks_decides_a_group() {
    let env = [
        ("OS_AUTH_URL", "https://env.example/v3"),
        ("OS_USERNAME", "envuser"),
        ("OS_PASSWORD", "env-pw"),
        ("OS_PROJECT_ID", "env-project"),
        ("OS_REGION_NAME", "RegionEnv"),
    ];
    check(
        Settings::default(),
        env,
        expect![[
            r#"https://env.example/ | user "envuser" of domain default with env-pw | project env-project | public RegionEnv"#
        ]],
    );
    check(
        cloud("prod"),
        env,
        expect![[
            r#"https://prod.example:5000/ | user "replicator" of domain "Ops" with cloud-pw | project "admin" of domain "Ops" | internal RegionProd"#
        ]],
    );
    // The cloud's domain of the project isn't taken for the project that is named inline.
    check(
        Settings { project_name: text("web"), region: text("Here"), ..cloud("prod") },
        env,
        expect![[
            r#"https://prod.example:5000/ | user "replicator" of domain "Ops" with cloud-pw | project "web" of domain default | internal Here"#
        ]],
    );
    check(
        Settings { system_scope: Some(true), password: Some("mine".into()), ..cloud("prod") },
        env,
        expect![[
            r#"https://prod.example:5000/ | user "replicator" of domain "Ops" with mine | the system | internal RegionProd"#
        ]],
    );
    check(
        Settings { user_id: text("u1"), default_domain_name: text("Main"), ..cloud("prod") },
        [("OS_CLOUD", "other")],
        expect![[
            r#"https://prod.example:5000/ | user u1 with cloud-pw | project "admin" of domain "Ops" | internal RegionProd"#
        ]],
    );
    // A scope that happens to be around doesn't hurt an application credential.
    check(
        cloud("app"),
        env,
        expect!["https://app.example/ | application credential ac with s | no scope | public RegionEnv"],
    );
    check(
        Settings { token: Some("tok".into()), ..Settings::default() },
        env,
        expect![
            "https://env.example/ | the holder of the given token with tok | project env-project | public RegionEnv"
        ],
    );
    check(
        Settings {
            application_credential_id: text("x"),
            application_credential_secret: Some("y".into()),
            ..cloud("prod")
        },
        env,
        expect![
            "https://prod.example:5000/ | application credential x with y | no scope | internal RegionProd"
        ],
    );
    check(
        cloud("numbers"),
        [],
        expect![[r#"https://n.example/ | user "7" of domain default with 0123 | project 42 | public -"#]],
    );
    // Empty is unset.
    check(
        Settings { password: Some("".into()), cloud: text(""), ..Settings::default() },
        [("OS_CLOUD", "prod"), ("OS_USERNAME", "")],
        expect![[
            r#"https://prod.example:5000/ | user "replicator" of domain "Ops" with cloud-pw | project "admin" of domain "Ops" | internal RegionProd"#
        ]],
    );
}

#[test]
fn errors_name_the_setting_and_the_source() {
    check(
        Settings::default(),
        [],
        expect![
            "error: `auth_url` (not given): it is missing. Name an entry of clouds.yaml by `cloud` or OS_CLOUD, or give Keystone's URL by `auth_url` or OS_AUTH_URL"
        ],
    );
    check(
        cloud("prud"),
        [],
        expect![
            "error: `cloud` (given inline): /users/me/.config/openstack/clouds.yaml has no cloud `prud`. It has: app, numbers, prod"
        ],
    );
    check(
        Settings::default(),
        [("OS_CLOUD", "prud")],
        expect![
            "error: `cloud` (from the variable OS_CLOUD): /users/me/.config/openstack/clouds.yaml has no cloud `prud`. It has: app, numbers, prod"
        ],
    );
    check(
        Settings { project_name: text("web"), ..cloud("app") },
        [],
        expect![
            "error: `project_name` (given inline): an application credential is bound to the project it was made for, and Keystone rejects a login that asks for a scope"
        ],
    );
    check(
        Settings { interface: text("external"), ..cloud("prod") },
        [],
        expect!["error: `interface` (given inline): `external` is not one of `public`, `internal`, `admin`"],
    );
    check(
        Settings { project_id: text("p"), domain_id: text("d"), ..cloud("prod") },
        [],
        expect![
            "error: `domain_id` (given inline): a token has one scope, but project_id and domain_id are given together"
        ],
    );
    check(
        Settings { token: Some("t".into()), password: Some("p".into()), ..cloud("prod") },
        [],
        expect![
            "error: `password` (given inline): token and password are given together. Say by `auth_type` which to use"
        ],
    );
    check(
        Settings { auth_type: text("v3kerberos"), ..cloud("prod") },
        [],
        expect![
            "error: `auth_type` (given inline): `v3kerberos` is not supported. Supported are v3password, v3token, v3applicationcredential, v3totp, v3multifactor, v3oidcclientcredentials, v3oidcpassword, v3oidcaccesstoken"
        ],
    );
    let url = |it: &str| Settings { auth_url: text(it), ..cloud("prod") };
    check(
        url("keystone.example"),
        [],
        expect![
            "error: `auth_url` (given inline): `keystone.example` is not a URL: relative URL without a base"
        ],
    );
    check(
        url("https://me:hush@keystone.example"),
        [],
        expect![
            "error: `auth_url` (given inline): a URL must not carry a user or a password; they have settings of their own"
        ],
    );
    let env = [("OS_AUTH_URL", "http://k"), ("OS_USERNAME", "u")];
    check(
        Settings::default(),
        env,
        expect![
            "error: `password` (not given): no credentials. Give a password, an application credential, a token, a passcode or those of an identity provider"
        ],
    );
    check(
        Settings { application_credential_id: text("x"), ..cloud("prod") },
        [],
        expect![
            "error: `application_credential_secret` (given inline): it is missing: an application credential needs it, given in the same place"
        ],
    );
    check(
        Settings { ca_certificate: text("ca.pem"), ..cloud("prod") },
        [],
        expect![
            "error: `ca_certificate` (given inline): `ca.pem` is no PEM, and there is no file of that name that can be read: entity not found"
        ],
    );
    check(
        cloud("prod"),
        [("OS_MAX_RETRIES", "many")],
        expect![
            "error: `max_retries` (from the variable OS_MAX_RETRIES): `many` is not a whole number of 0 or more"
        ],
    );
    check(
        Settings { user_domain_name: text("D"), ..cloud("prod") },
        [],
        expect![
            "error: `username` (given inline): it is missing: the user's domain needs it, given in the same place"
        ],
    );
    check(
        Settings { endpoints: [("compute".into(), "nova".into())].into(), ..cloud("prod") },
        [],
        expect![
            "error: `endpoints` (given inline): the one of compute: `nova` is not a URL: relative URL without a base"
        ],
    );
}

#[test]
fn the_method_is_told_by_what_is_given() {
    let around = Surroundings::given([], []);
    let base = || Settings {
        auth_url: text("https://k"),
        username: text("u"),
        identity_provider: None,
        protocol: text("openid"),
        client_id: text("c"),
        discovery_endpoint: text("https://idp/.well-known/openid-configuration"),
        ..Default::default()
    };
    let idp = || Settings { identity_provider: text("idp"), ..base() };
    let cases = [
        (Settings { password: Some("p".into()), ..base() }, "Password "),
        (Settings { passcode: Some("1".into()), ..base() }, "Totp "),
        (Settings { passcode: Some("1".into()), password: Some("p".into()), ..base() }, "PasswordAndTotp "),
        (Settings { token: Some("t".into()), ..base() }, "Token("),
        (
            Settings {
                application_credential_name: text("a"),
                application_credential_secret: Some("s".into()),
                ..base()
            },
            "ApplicationCredential ",
        ),
        (Settings { access_token: Some("t".into()), ..idp() }, "AccessToken("),
        (Settings { client_secret: Some("t".into()), ..idp() }, "ClientCredentials "),
        (
            Settings { client_secret: Some("t".into()), password: Some("p".into()), ..idp() },
            "grant: Password ",
        ),
        (
            Settings {
                auth_type: text("v3totp"),
                passcode: Some("1".into()),
                password: Some("p".into()),
                ..base()
            },
            "Totp ",
        ),
        (
            Settings { auth_type: text("v3oidc_password"), password: Some("p".into()), ..idp() },
            "grant: Password ",
        ),
    ];
    for (settings, method) in cases {
        let config = Config::from_sources(settings, &around).unwrap();
        let shown = format!("{:?}", config.credential);
        assert!(shown.contains(method), "{method} in {shown}");
    }
}

#[test]
fn urls_of_keystone() {
    let cases = [
        ("https://k:5000", "https://k:5000/", false),
        ("https://k:5000/v3", "https://k:5000/", true),
        ("https://k:5000/v3/", "https://k:5000/", true),
        ("http://k/identity", "http://k/identity", false),
        ("http://k/identity/", "http://k/identity", false),
        ("http://k/identity/v3?x=y#z", "http://k/identity", true),
        ("http://k/v2.0", "http://k/", false),
    ];
    for (given, keystone, version_given) in cases {
        let settings = Settings { auth_url: text(given), token: Some("t".into()), ..Default::default() };
        let config = Config::from_sources(settings, &Surroundings::given([], [])).unwrap();
        assert_eq!((config.keystone.as_str(), config.version_given), (keystone, version_given), "{given}");
    }
}

#[test]
fn files_are_found_and_merged() {
    let base = "clouds: {a: {auth: {auth_url: 'http://A', username: u, project_id: p}, profile: vendor}}";
    let secure = "clouds: {a: {auth: {password: hush}}}";
    let public =
        "public-clouds: {vendor: {auth: {auth_url: 'http://vendor', project_id: q}, region_name: V}}";
    type Pairs<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Pairs<'_>, Pairs<'_>, &str); 7] = [
        // secure.yaml next to it; the profile lies under the entry.
        (
            &[],
            &[
                ("/here/clouds.yaml", base),
                ("/here/secure.yaml", secure),
                ("/etc/openstack/clouds-public.yaml", public),
            ],
            r#"http://a/ | user "u" of domain default with hush | project p | public V"#,
        ),
        // The working directory comes before the home.
        (
            &[("OS_CLIENT_SECURE_FILE", "/s/secret.json")],
            &[
                ("/here/clouds.yml", base),
                (HOME, CLOUDS),
                ("/s/secret.json", r#"{"clouds":{"a":{"auth":{"password":"j"}}}}"#),
                ("/here/clouds-public.yml", public),
            ],
            r#"http://a/ | user "u" of domain default with j | project p | public V"#,
        ),
        (
            &[("OS_CLIENT_CONFIG_FILE", "/else/my.yaml")],
            &[
                ("/else/my.yaml", base),
                ("/here/clouds.yaml", CLOUDS),
                ("/else/secure.yaml", secure),
                ("/else/clouds-public.yaml", public),
            ],
            r#"http://a/ | user "u" of domain default with hush | project p | public V"#,
        ),
        (
            &[("XDG_CONFIG_HOME", "/xdg")],
            &[("/xdg/openstack/clouds.yaml", "clouds: {a: {profile: 'https://vendor.example'}}")],
            "error: `cloud` (given inline): its profile is the URL https://vendor.example. Profiles are not fetched over the network; copy its values into the entry or into clouds-public.yaml",
        ),
        (
            &[],
            &[("/here/clouds.yaml", base)],
            "error: `cloud` (given inline): its profile `vendor` is unknown: there is no clouds-public.yaml; looked at /here/clouds-public.yaml, /here/clouds-public.yml, /here/clouds-public.json, /users/me/.config/openstack/clouds-public.yaml, /users/me/.config/openstack/clouds-public.yml, /users/me/.config/openstack/clouds-public.json, /etc/openstack/clouds-public.yaml, /etc/openstack/clouds-public.yml, /etc/openstack/clouds-public.json",
        ),
        (
            &[],
            &[("/here/clouds.yaml", "clouds: {a: {auth: {password: 'hush' ")],
            "error: `cloud` (not given): /here/clouds.yaml is not readable YAML: ",
        ),
        (
            &[],
            &[],
            "error: `cloud` (given inline): there is no clouds.yaml to find the cloud `a` in. Looked at /here/clouds.yaml, ",
        ),
    ];
    for (variables, files, expected) in cases {
        let around = Surroundings::given_from(variables, files);
        let actual = match Config::from_sources(cloud("a"), &around) {
            Ok(config) => summary(&config),
            Err(why) => format!("error: {why}"),
        };
        assert!(actual.starts_with(expected), "\nexpected {expected}\nactual   {actual}");
        assert!(expected.contains("hush") || !actual.contains("hush"), "{actual}");
    }
}

#[test]
fn regions_and_overrides() {
    let clouds = "
clouds:
  a:
    auth: {auth_url: 'http://a', token: t}
    regions:
      - name: One
        values: {interface: admin}
      - Two
    compute_endpoint_override: http://nova
    volumev3_endpoint_override: http://cinder
";
    let files = [("/here/clouds.yaml", clouds)];
    let config = |region: Option<&str>, variables: &[(&str, &str)]| {
        let settings = Settings {
            region: region.map(str::to_owned),
            endpoints: [("compute".to_owned(), "http://mine".to_owned())].into(),
            ..cloud("a")
        };
        Config::from_sources(settings, &Surroundings::given_from(variables, &files)).unwrap()
    };
    let one = config(None, &[("OS_NETWORK_ENDPOINT_OVERRIDE", "http://neutron")]);
    assert_eq!((one.region.as_deref(), one.interface), (Some("One"), Interface::Admin));
    let urls: Vec<_> = one.endpoints.iter().map(|(kind, url)| format!("{kind} {url}")).collect();
    assert_eq!(urls, ["block-storage http://cinder/", "compute http://mine/", "network http://neutron/"]);
    let two = config(Some("Two"), &[]);
    assert_eq!((two.region.as_deref(), two.interface), (Some("Two"), Interface::Public));
}

#[test]
fn limits_and_certificates() {
    let settings = |it: Settings| {
        let base = Settings { auth_url: text("http://k"), token: Some("t".into()), ..it };
        Config::from_sources(base, &Surroundings::given([("OS_INSECURE", "true")], []))
    };
    let config =
        settings(Settings { request_timeout: Some(Duration::from_millis(1500)), ..Default::default() })
            .unwrap();
    assert_eq!(
        (
            config.request_timeout.as_millis(),
            config.max_retries,
            config.max_concurrent_requests,
            config.insecure
        ),
        (1500, 6, 16, true)
    );
    assert_eq!(
        settings(Settings { max_concurrent_requests: Some(0), ..Default::default() }).unwrap_err().setting,
        "max_concurrent_requests"
    );
    assert_eq!(
        settings(Settings { request_timeout: Some(Duration::ZERO), ..Default::default() })
            .unwrap_err()
            .setting,
        "request_timeout"
    );
    let odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----".to_owned();
    let key = settings(Settings { client_certificate: Some(odd.clone()), ..Default::default() }).unwrap_err();
    assert_eq!(key.setting, "client_key");
}

#[test]
fn nothing_secret_is_shown() {
    let settings = Settings {
        auth_url: text("http://k"),
        username: text("u"),
        password: Some("hush-password".into()),
        passcode: Some("hush-passcode".into()),
        client_key: Some("hush-key".into()),
        ..Default::default()
    };
    assert!(!format!("{settings:?}").contains("hush"));
    let settings = Settings { client_key: None, ..settings };
    let config = Config::from_sources(settings, &Surroundings::given([], [])).unwrap();
    assert!(!format!("{config:?} {}", config.credential).contains("hush"));
    let user = UserRef::Name { name: "u".into(), domain: DomainRef::Id("default".into()) };
    assert_eq!(user.to_string(), config.credential.to_string());
    assert_ne!(config.scope, LoginScope::Project(ProjectRef::Id("p".into())));
}

#[test]
fn a_second_account_is_reached_as_the_first() {
    let around = Surroundings::given(
        [("OS_CLOUD", "prod"), ("OS_USERNAME", "stranger"), ("OS_PASSWORD", "env-pw")],
        [(HOME, CLOUDS)],
    );
    let main =
        Config::from_sources(Settings { insecure: Some(true), ..Default::default() }, &around).unwrap();
    let beside = |inline: Settings| {
        let made = Config::from_sources(inline.beside(&main), &around.clone().without_account());
        made.map(|it| format!("{}{}", summary(&it), if it.insecure { " insecure" } else { "" }))
            .unwrap_or_else(|why| format!("error: {why}"))
    };
    let meter = Settings { user_id: text("meter"), password: Some("m-pw".into()), ..Default::default() };
    expect!["https://prod.example:5000/ | user meter with m-pw | no scope | internal RegionProd insecure"]
        .assert_eq(&beside(meter.clone()));
    // Another cloud is reached in its own way.
    expect!["https://app.example/ | application credential ac with s | no scope | public -"]
        .assert_eq(&beside(cloud("app")));
    // Nobody else's password is sent for it.
    expect!["error: `password` (not given): no credentials. Give a password, an application credential, a token, a passcode or those of an identity provider"]
        .assert_eq(&beside(Settings { password: None, ..meter }));
}
