use std::collections::{BTreeMap, BTreeSet};

use bigdecimal::BigDecimal;
use expect_test::expect;
use jiff::Timestamp;

use super::*;
use crate::openstack::usage::{
    Completeness, Grade, Mode, OtherCharge, Prices, ProjectUsage, Sample, Server, Source, Unit, UsageService,
    Window,
};

mod records;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn map<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn window() -> Window {
    Window::new(at("2026-10-01T00:00:00Z"), at("2026-11-01T00:00:00Z")).expect("a window")
}

fn sample(
    service: UsageService,
    id: &str,
    project_id: &str,
    (started, ended): (&str, Option<&str>),
    quantities: &[(Unit, u64)],
) -> Sample {
    let (started_at, ended_at) = (at(started), ended.map(at));
    Sample {
        service,
        resource_id: id.into(),
        resource_name: format!("{id}-name"),
        project_id: project_id.into(),
        user_id: Some("jane-id".into()),
        kind: String::new(),
        started_at,
        ended_at,
        overlap: window().overlap(started_at, ended_at),
        quantities: quantities.to_vec(),
        measured: BTreeMap::new(),
        rated: None,
        state: "active".into(),
        grade: Grade::ExactExistence,
        traits: BTreeMap::new(),
        server: None,
    }
}

/// A server of 2 CPUs, made a second before it first ran.
fn server(id: &str, times: (&str, Option<&str>), status: &str) -> Sample {
    let (vcpus, ram_mib) = (2, 4096);
    let quantities = [
        (Unit::ServerHours, 1),
        (Unit::VcpuHours, vcpus),
        (Unit::RamMibHours, ram_mib),
        (Unit::LocalDiskGibHours, 30),
    ];
    let mut it = sample(UsageService::Compute, id, "web", times, &quantities);
    it.kind = "m1.small".into();
    it.state = status.to_lowercase();
    it.server = Some(Box::new(Server {
        status: status.into(),
        vcpus,
        ram_mib,
        root_gib: 20,
        ephemeral_gib: 10,
        created_at: Some(at(times.0) - jiff::SignedDuration::from_secs(1)),
        launched_at: Some(at(times.0)),
        ..Server::default()
    }));
    it
}

fn details(sample: &mut Sample) -> &mut Server {
    sample.server.as_mut().expect("a server")
}

fn project(name: &str, properties: BTreeMap<String, String>) -> ProjectUsage {
    ProjectUsage {
        name: name.into(),
        domain_id: "acme-id".into(),
        domain_name: "Acme, \"Inc\"".into(),
        tags: BTreeSet::from(["prod".into()]),
        properties,
        ..Default::default()
    }
}

/// One project of a virtual organisation, one of none, and one without usage.
fn report(samples: Vec<Sample>) -> Report {
    let observed_at = at("2026-11-02T00:00:00Z");
    let mut projects = BTreeMap::from([
        ("web".to_owned(), project("Web", map([("VO", "other"), ("accounting:VO", "vo.example.org")]))),
        ("lab".to_owned(), project("Lab", BTreeMap::new())),
        ("empty".to_owned(), project("Empty", BTreeMap::new())),
    ]);
    for it in &samples {
        let project = projects.get_mut(&it.project_id).expect("a project");
        it.amounts().for_each(|(unit, amount)| project.totals.add(unit, &it.kind, amount));
        project.completeness.insert(it.service, Completeness { grade: it.grade, observed_at });
    }
    Report {
        window: window(),
        observed_at,
        source: Source::Api,
        units: Unit::ALL.into(),
        projects,
        samples,
        users: map([("jane-id", "jane@example.org")]),
        mode_used: Mode::AllProjects,
        requests: 7,
        remarks: vec!["backups were not read".into()],
    }
}

fn without_samples(mut report: Report) -> Report {
    report.samples.clear();
    report
}

fn usage() -> Report {
    let mut volume = sample(
        UsageService::Volume,
        "vol",
        "web",
        ("2026-10-31T12:00:00Z", None),
        &[(Unit::VolumeGibHours, 100)],
    );
    (volume.kind, volume.grade) = ("ssd".into(), Grade::Snapshot);
    let mut image = sample(
        UsageService::Image,
        "img",
        "lab",
        ("2026-09-01T00:00:00Z", Some("2026-10-01T00:20:00Z")),
        &[(Unit::ImageGibHours, 3 << 29)],
    );
    image.traits = map([("service", "glance")]);
    report(vec![image, server("vm", ("2026-10-31T22:30:00Z", None), "ACTIVE"), volume])
}

fn prices() -> Prices {
    let decimal = |text: &str| text.parse::<BigDecimal>().expect("a number");
    let mut prices = Prices::default();
    prices.set(Unit::VcpuHours, decimal("0.011"));
    prices.set_kind(Unit::VolumeGibHours, "ssd", decimal("0.0002"));
    prices.set(Unit::ImageGibHours, decimal("0.01"));
    prices
}

fn site() -> Site {
    Site {
        name: "CESNET-MCC".into(),
        compute_service: "prague".into(),
        cloud_type: "OpenStack".into(),
        storage_system: "prague-volumes".into(),
        ..Site::default()
    }
}

#[test]
fn csv_of_samples() {
    expect![[r#"
        project_id,project_name,domain_id,domain_name,window_start,window_end,service,kind,unit,amount,grade,resource_id,resource_name,user_id,state,started_at,ended_at,quantity,hours,unit_price,cost,currency
        lab,Lab,acme-id,"Acme, ""Inc""",2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,image,,image_gib_hours,0.5,exact_existence,img,img-name,jane-id,active,2026-09-01T00:00:00Z,2026-10-01T00:20:00Z,1.5,0.333333,0.01,0.005,EUR
        web,Web,acme-id,"Acme, ""Inc""",2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,compute,m1.small,server_hours,1.5,exact_existence,vm,vm-name,jane-id,active,2026-10-31T22:30:00Z,,1,1.5,,,
        web,Web,acme-id,"Acme, ""Inc""",2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,compute,m1.small,vcpu_hours,3,exact_existence,vm,vm-name,jane-id,active,2026-10-31T22:30:00Z,,2,1.5,0.011,0.033,EUR
        web,Web,acme-id,"Acme, ""Inc""",2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,compute,m1.small,ram_mib_hours,6144,exact_existence,vm,vm-name,jane-id,active,2026-10-31T22:30:00Z,,4096,1.5,,,
        web,Web,acme-id,"Acme, ""Inc""",2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,compute,m1.small,local_disk_gib_hours,45,exact_existence,vm,vm-name,jane-id,active,2026-10-31T22:30:00Z,,30,1.5,,,
        web,Web,acme-id,"Acme, ""Inc""",2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,volume,ssd,volume_gib_hours,1200,snapshot,vol,vol-name,jane-id,active,2026-10-31T12:00:00Z,,100,12,0.0002,0.24,EUR
    "#]]
    .assert_eq(&csv(&usage(), &prices(), "EUR"));
}

#[test]
fn csv_of_totals() {
    expect![[r#"
        project_id,project_name,domain_id,domain_name,window_start,window_end,service,kind,unit,amount,grade,resource_id,resource_name,user_id,state,started_at,ended_at,quantity,hours,unit_price,cost,currency
        lab,Lab,acme-id,"Acme, ""Inc""",2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,image,,image_gib_hours,0.5,exact_existence,,,,,,,,,0.01,0.005,EUR
        web,Web,acme-id,"Acme, ""Inc""",2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,compute,m1.small,server_hours,1.5,exact_existence,,,,,,,,,,,
        web,Web,acme-id,"Acme, ""Inc""",2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,compute,m1.small,vcpu_hours,3,exact_existence,,,,,,,,,0.011,0.033,EUR
        web,Web,acme-id,"Acme, ""Inc""",2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,compute,m1.small,ram_mib_hours,6144,exact_existence,,,,,,,,,,,
        web,Web,acme-id,"Acme, ""Inc""",2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,compute,m1.small,local_disk_gib_hours,45,exact_existence,,,,,,,,,,,
        web,Web,acme-id,"Acme, ""Inc""",2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,volume,ssd,volume_gib_hours,1200,snapshot,,,,,,,,,0.0002,0.24,EUR
    "#]].assert_eq(&csv(&without_samples(usage()), &prices(), "EUR"));
}

#[test]
fn json_has_everything() {
    let text = json(&usage(), &prices());
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    expect![[r#"
        {
          "mode": "all_projects",
          "projects": {
            "empty": {
              "completeness": {},
              "cost": 0,
              "domain_id": "acme-id",
              "domain_name": "Acme, \"Inc\"",
              "kinds": {},
              "name": "Empty",
              "properties": {},
              "tags": [
                "prod"
              ],
              "totals": {}
            },
            "lab": {
              "completeness": {
                "image": {
                  "grade": "exact_existence"
                }
              },
              "cost": 0.005,
              "domain_id": "acme-id",
              "domain_name": "Acme, \"Inc\"",
              "kinds": {},
              "name": "Lab",
              "properties": {},
              "tags": [
                "prod"
              ],
              "totals": {
                "image_gib_hours": 0.5
              }
            },
            "web": {
              "completeness": {
                "compute": {
                  "grade": "exact_existence"
                },
                "volume": {
                  "grade": "snapshot"
                }
              },
              "cost": 0.273,
              "domain_id": "acme-id",
              "domain_name": "Acme, \"Inc\"",
              "kinds": {
                "local_disk_gib_hours": {
                  "m1.small": 45
                },
                "ram_mib_hours": {
                  "m1.small": 6144
                },
                "server_hours": {
                  "m1.small": 1.5
                },
                "vcpu_hours": {
                  "m1.small": 3
                },
                "volume_gib_hours": {
                  "ssd": 1200
                }
              },
              "name": "Web",
              "properties": {
                "VO": "other",
                "accounting:VO": "vo.example.org"
              },
              "tags": [
                "prod"
              ],
              "totals": {
                "local_disk_gib_hours": 45,
                "ram_mib_hours": 6144,
                "server_hours": 1.5,
                "vcpu_hours": 3,
                "volume_gib_hours": 1200
              }
            }
          },
          "remarks": [
            "backups were not read"
          ],
          "samples": [
            {
              "amounts": {
                "image_gib_hours": 0.5
              },
              "cost": 0.005,
              "ended_at": "2026-10-01T00:20:00Z",
              "grade": "exact_existence",
              "hours": 0.333333,
              "kind": "",
              "project_id": "lab",
              "resource_id": "img",
              "resource_name": "img-name",
              "service": "image",
              "started_at": "2026-09-01T00:00:00Z",
              "state": "active",
              "traits": {
                "service": "glance"
              },
              "user_id": "jane-id"
            },
            {
              "amounts": {
                "local_disk_gib_hours": 45,
                "ram_mib_hours": 6144,
                "server_hours": 1.5,
                "vcpu_hours": 3
              },
              "cost": 0.033,
              "ended_at": null,
              "grade": "exact_existence",
              "hours": 1.5,
              "kind": "m1.small",
              "project_id": "web",
              "resource_id": "vm",
              "resource_name": "vm-name",
              "service": "compute",
              "started_at": "2026-10-31T22:30:00Z",
              "state": "active",
              "traits": {},
              "user_id": "jane-id"
            },
            {
              "amounts": {
                "volume_gib_hours": 1200
              },
              "cost": 0.24,
              "ended_at": null,
              "grade": "snapshot",
              "hours": 12,
              "kind": "ssd",
              "project_id": "web",
              "resource_id": "vol",
              "resource_name": "vol-name",
              "service": "volume",
              "started_at": "2026-10-31T12:00:00Z",
              "state": "active",
              "traits": {},
              "user_id": "jane-id"
            }
          ],
          "source": "api",
          "window": {
            "end": "2026-11-01T00:00:00Z",
            "start": "2026-10-01T00:00:00Z"
          }
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&value).expect("JSON"));
}

#[test]
fn json_has_all_digits() {
    let mut usage = usage();
    let mut rated = BTreeMap::new();
    rated.insert((Unit::VcpuHours, String::new()), "12345678901234.0000000001".parse().expect("a number"));
    usage.projects.get_mut("web").expect("a project").rated = Some(rated);
    let other = |metric: &str| (metric.to_owned(), other());
    usage.projects.get_mut("web").expect("a project").others = BTreeMap::from([other("network.bytes")]);
    let text = json(&usage, &Prices::default());
    assert!(text.contains(r#""cost":12345678901235.5000000001}"#), "{text}");
    assert!(
        text.contains(r#""others":{"network.bytes":{"quantity":2.25,"unit":"MB","cost":1.5}}"#),
        "{text}"
    );
    assert_eq!(text.matches("\"cost\"").count(), 2, "{text}");
}

/// What only a rating engine knows.
fn other() -> OtherCharge {
    let decimal = |text: &str| text.parse().expect("a number");
    OtherCharge { quantity: decimal("2.25"), unit: "MB".into(), cost: decimal("1.5") }
}

#[test]
fn what_an_engine_rates_is_charged_by_project() {
    let mut usage = usage();
    let web = usage.projects.get_mut("web").expect("a project");
    web.rated = Some(BTreeMap::from([((Unit::ServerHours, "m1.small".to_owned()), 7.into())]));
    web.others = BTreeMap::from([("network.bytes".to_owned(), other())]);
    let table = focus_csv(&usage, &Prices::default(), &Billing::default()).expect("charges");
    let line = |name: &str| columns(&table).lines().find(|it| it.starts_with(name)).map(str::to_owned);
    assert_eq!(line("BilledCost").as_deref(), Some("BilledCost: 7 | 1.5"));
    assert_eq!(line("ServiceCategory").as_deref(), Some("ServiceCategory: Compute | Other"));
    assert_eq!(line("PricingUnit").as_deref(), Some("PricingUnit: Server-Hours | MB"));
    assert_eq!(line("ResourceId").as_deref(), Some("ResourceId:  | "));
    let table = csv(&usage, &Prices::default(), "EUR");
    assert!(table.contains(",network.bytes,,MB,2.25,rated,,,,,,,,,,1.5,EUR\n"), "{table}");
    let table = csv(&without_samples(usage), &Prices::default(), "EUR");
    assert!(table.contains(",compute,m1.small,server_hours,1.5,exact_existence,,,,,,,,,,7,EUR\n"), "{table}");
}

/// Transposed: one line for each column.
fn columns(table: &str) -> String {
    let mut reader = ::csv::Reader::from_reader(table.as_bytes());
    let headers = reader.headers().expect("headers").clone();
    let rows: Vec<_> = reader.records().map(|it| it.expect("a row")).collect();
    let line = |(at, name): (usize, &str)| {
        let values: Vec<_> = rows.iter().map(|it| it.get(at).unwrap_or("?")).collect();
        format!("{name}: {}\n", values.join(" | "))
    };
    headers.iter().enumerate().map(line).collect()
}

#[test]
fn focus_of_samples() {
    let billing = Billing { currency: "EUR".into(), provider: "Acme Cloud".into(), ..Billing::default() };
    let table = focus_csv(&usage(), &prices(), &billing).expect("charges");
    expect![[r#"
        BilledCost: 0.005 | 0.033 | 0.24
        BillingAccountId: acme-id | acme-id | acme-id
        BillingAccountName: Acme, "Inc" | Acme, "Inc" | Acme, "Inc"
        BillingCurrency: EUR | EUR | EUR
        BillingPeriodEnd: 2026-11-01T00:00:00Z | 2026-11-01T00:00:00Z | 2026-11-01T00:00:00Z
        BillingPeriodStart: 2026-10-01T00:00:00Z | 2026-10-01T00:00:00Z | 2026-10-01T00:00:00Z
        ChargeCategory: Usage | Usage | Usage
        ChargeClass:  |  | 
        ChargeDescription: Size of Image | Virtual CPUs of Server (m1.small) | Size of Volume (ssd)
        ChargeFrequency: Usage-Based | Usage-Based | Usage-Based
        ChargePeriodEnd: 2026-11-01T00:00:00Z | 2026-11-01T00:00:00Z | 2026-11-01T00:00:00Z
        ChargePeriodStart: 2026-10-01T00:00:00Z | 2026-10-01T00:00:00Z | 2026-10-01T00:00:00Z
        ConsumedQuantity: 0.5 | 3 | 1200
        ConsumedUnit: GiB-Hours | Core-Hours | GiB-Hours
        ContractedCost: 0.005 | 0.033 | 0.24
        ContractedUnitPrice: 0.01 | 0.011 | 0.0002
        EffectiveCost: 0.005 | 0.033 | 0.24
        InvoiceIssuerName: Acme Cloud | Acme Cloud | Acme Cloud
        ListCost: 0.005 | 0.033 | 0.24
        ListUnitPrice: 0.01 | 0.011 | 0.0002
        PricingCategory: Standard | Standard | Standard
        PricingQuantity: 0.5 | 3 | 1200
        PricingUnit: GiB-Hours | Core-Hours | GiB-Hours
        ProviderName: Acme Cloud | Acme Cloud | Acme Cloud
        PublisherName: Acme Cloud | Acme Cloud | Acme Cloud
        RegionId:  |  | 
        RegionName:  |  | 
        ResourceId: img | vm | vol
        ResourceName: img-name | vm-name | vol-name
        ResourceType: Image | Server | Volume
        ServiceCategory: Storage | Compute | Storage
        ServiceName: OpenStack Image | OpenStack Compute | OpenStack Block Storage
        ServiceSubcategory: Other (Storage) | Virtual Machines | Block Storage
        SkuId: image_gib_hours | vcpu_hours/m1.small | volume_gib_hours/ssd
        SkuMeter: Size | Virtual CPUs | Size
        SkuPriceId: image_gib_hours | vcpu_hours/m1.small | volume_gib_hours/ssd
        SubAccountId: lab | web | web
        SubAccountName: Lab | Web | Web
        SubAccountType: Project | Project | Project
        Tags: {"prod":true} | {"VO":"other","accounting:VO":"vo.example.org","prod":true} | {"VO":"other","accounting:VO":"vo.example.org","prod":true}
        x_Completeness: exact_existence | exact_existence | snapshot
    "#]].assert_eq(&columns(&table));
}

#[test]
fn focus_of_totals() {
    let billing = Billing {
        currency: "EUR".into(),
        provider: "Acme Cloud".into(),
        region: Some("RegionOne".into()),
        account: Some(("4711".into(), "Research".into())),
    };
    let mut usage = without_samples(usage());
    usage.window = Window::new(at("2026-10-15T00:00:00Z"), at("2026-11-15T00:00:00Z")).expect("a window");
    let rated =
        BTreeMap::from([((Unit::RamMibHours, "m1.small".to_owned()), "1.50".parse().expect("a number"))]);
    usage.projects.get_mut("web").expect("a project").rated = Some(rated);
    let table = focus_csv(&usage, &prices(), &billing).expect("charges");
    expect![[r#"
        BilledCost: 0.005 | 0.033 | 1.5 | 0.24
        BillingAccountId: 4711 | 4711 | 4711 | 4711
        BillingAccountName: Research | Research | Research | Research
        BillingCurrency: EUR | EUR | EUR | EUR
        BillingPeriodEnd: 2026-11-15T00:00:00Z | 2026-11-15T00:00:00Z | 2026-11-15T00:00:00Z | 2026-11-15T00:00:00Z
        BillingPeriodStart: 2026-10-15T00:00:00Z | 2026-10-15T00:00:00Z | 2026-10-15T00:00:00Z | 2026-10-15T00:00:00Z
        ChargeCategory: Usage | Usage | Usage | Usage
        ChargeClass:  |  |  | 
        ChargeDescription: Size of Image | Virtual CPUs of Server (m1.small) | Memory of Server (m1.small) | Size of Volume (ssd)
        ChargeFrequency: Usage-Based | Usage-Based | Usage-Based | Usage-Based
        ChargePeriodEnd: 2026-11-15T00:00:00Z | 2026-11-15T00:00:00Z | 2026-11-15T00:00:00Z | 2026-11-15T00:00:00Z
        ChargePeriodStart: 2026-10-15T00:00:00Z | 2026-10-15T00:00:00Z | 2026-10-15T00:00:00Z | 2026-10-15T00:00:00Z
        ConsumedQuantity: 0.5 | 3 | 6144 | 1200
        ConsumedUnit: GiB-Hours | Core-Hours | MiB-Hours | GiB-Hours
        ContractedCost: 0.005 | 0.033 | 1.5 | 0.24
        ContractedUnitPrice: 0.01 | 0.011 |  | 0.0002
        EffectiveCost: 0.005 | 0.033 | 1.5 | 0.24
        InvoiceIssuerName: Acme Cloud | Acme Cloud | Acme Cloud | Acme Cloud
        ListCost: 0.005 | 0.033 | 1.5 | 0.24
        ListUnitPrice: 0.01 | 0.011 |  | 0.0002
        PricingCategory: Standard | Standard | Standard | Standard
        PricingQuantity: 0.5 | 3 | 6144 | 1200
        PricingUnit: GiB-Hours | Core-Hours | MiB-Hours | GiB-Hours
        ProviderName: Acme Cloud | Acme Cloud | Acme Cloud | Acme Cloud
        PublisherName: Acme Cloud | Acme Cloud | Acme Cloud | Acme Cloud
        RegionId: RegionOne | RegionOne | RegionOne | RegionOne
        RegionName: RegionOne | RegionOne | RegionOne | RegionOne
        ResourceId:  |  |  | 
        ResourceName:  |  |  | 
        ResourceType:  |  |  | 
        ServiceCategory: Storage | Compute | Compute | Storage
        ServiceName: OpenStack Image | OpenStack Compute | OpenStack Compute | OpenStack Block Storage
        ServiceSubcategory: Other (Storage) | Virtual Machines | Virtual Machines | Block Storage
        SkuId: image_gib_hours | vcpu_hours/m1.small | ram_mib_hours/m1.small | volume_gib_hours/ssd
        SkuMeter: Size | Virtual CPUs | Memory | Size
        SkuPriceId: image_gib_hours | vcpu_hours/m1.small | ram_mib_hours/m1.small | volume_gib_hours/ssd
        SubAccountId: lab | web | web | web
        SubAccountName: Lab | Web | Web | Web
        SubAccountType: Project | Project | Project | Project
        Tags: {"prod":true} | {"VO":"other","accounting:VO":"vo.example.org","prod":true} | {"VO":"other","accounting:VO":"vo.example.org","prod":true} | {"VO":"other","accounting:VO":"vo.example.org","prod":true}
        x_Completeness: exact_existence | exact_existence | exact_existence | snapshot
    "#]].assert_eq(&columns(&table));
}

#[test]
fn no_focus_without_prices() {
    assert_eq!(focus_csv(&usage(), &Prices::default(), &Billing::default()), None);
    assert_eq!(focus_csv(&report(Vec::new()), &prices(), &Billing::default()), None);
}
