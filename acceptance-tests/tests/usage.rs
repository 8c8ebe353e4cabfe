//! Metered usage against arithmetic of our own, from the services' own timestamps.

use std::thread::sleep;
use std::time::{Duration, Instant};

use acceptance_tests::cloud::{Cloud, text_at};
use acceptance_tests::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// A project, and its usage as an administrator and as a reader see it: in a window, and in the two halves of it.
const CONFIGURATION: &str = r#"
variable "project" { type = string }
variable "user" { type = string }
variable "password" {
  type      = string
  sensitive = true
}
variable "start" { type = string }
variable "middle" { type = string }
variable "end" { type = string }

provider "tenancy" {
  alias = "metered"
  metering = {
    user_id  = var.user
    password = var.password
  }
}

locals {
  windows = {
    whole  = [var.start, var.end]
    first  = [var.start, var.middle]
    second = [var.middle, var.end]
  }
}

data "tenancy_metered_usage" "admin" {
  for_each    = local.windows
  start       = each.value[0]
  end         = each.value[1]
  project_ids = [var.project]
  detail      = true
}

# Nobody says which projects: the reader has a role in one only.
data "tenancy_metered_usage" "reader" {
  provider = tenancy.metered
  start    = var.start
  end      = var.end
}

output "csv" {
  value = data.tenancy_metered_usage.reader.csv
}
"#;

/// Servers that run, stop, are resized, rebuilt and deleted; volumes that grow and are deleted; addresses that are given
/// back.
pub fn figures() -> Result<()> {
    let mut workspace = Workspace::new("metered-usage-figures", |_| Ok(None))?;
    let result = compare(&mut workspace);
    let leaks = workspace.leaks()?;
    workspace.end(result)?;
    ensure!(leaks.is_empty(), "secrets in logs or states:\n{}", leaks.join("\n"));
    Ok(())
}

fn compare(workspace: &mut Workspace) -> Result<()> {
    let start = second(Timestamp::now());
    let project = populate(&workspace.cloud, &workspace.prefix)?;
    let password = format!("{}-Passw0rd", workspace.prefix);
    let user = reader(&workspace.cloud, &workspace.prefix, &project, &password)?;
    workspace.secrets.push(password.clone());
    // The services' clocks are this machine's. What happened is over.
    sleep(Duration::from_secs(2));
    let end = second(Timestamp::now());
    let middle = Timestamp::from_second(start.as_second().midpoint(end.as_second()))?;

    std::fs::write(workspace.directory().join("main.tf"), CONFIGURATION)?;
    workspace.init()?;
    let variables = json!({
        "project": project, "user": user, "password": password,
        "start": start.to_string(), "middle": middle.to_string(), "end": end.to_string(),
    });
    let variables = variables.as_object().into_iter().flatten();
    workspace.variables(&variables.map(|(name, value)| (name.clone(), value.clone())).collect())?;
    for arguments in [["apply", "-auto-approve"], ["plan", "-detailed-exitcode"]] {
        let run = workspace.terraform.run(&[&arguments[..], &["-json", "-input=false"]].concat())?;
        ensure!(run.code == 0, "by hand: {}\n{}", run.command_line, run.text);
    }
    let (instances, _) = workspace.terraform.state()?;
    let of = |name: &str| {
        let address = format!("data.tenancy_metered_usage.{name}");
        let found = instances.get(&address).with_context(|| format!("the state has no {address}"));
        Ok::<_, anyhow::Error>(&found?.values)
    };
    let (whole, first) = (of("admin[\"whole\"]")?, of("admin[\"first\"]")?);
    let (other, reader) = (of("admin[\"second\"]")?, of("reader")?);

    ensure!(whole["mode_used"] == "all_projects", "an administrator reads all: {}", whole["mode_used"]);
    ensure!(reader["mode_used"] == "per_project", "a reader reads one by one: {}", reader["mode_used"]);
    let expected = expected(&workspace.cloud, &project, start, end)?;
    for (unit, seconds) in &expected {
        let hours = *seconds as f64 / 3600.0;
        for (who, found) in [("the administrator", whole), ("the reader", reader)] {
            let found = &found["projects"][&project]["totals"][unit];
            let same = found.as_f64().is_some_and(|it| (it - hours).abs() < 1e-6);
            ensure!(same, "{unit} of {who}: expected {hours}, found {found}");
        }
        let halves = [first, other].map(|it| it["totals"][unit].as_f64().unwrap_or(f64::NAN));
        let sum = halves.iter().sum::<f64>();
        // Each is rounded to six decimals.
        ensure!((sum - hours).abs() < 2e-6, "{unit}: {halves:?} should add up to {hours}");
    }
    let grades = json!({"compute": "exact_existence", "volume": "snapshot", "floating_ip": "snapshot"});
    for (service, grade) in grades.as_object().into_iter().flatten() {
        let found = &whole["projects"][&project]["completeness"][service];
        ensure!(found == grade, "{service} should be {grade}, and is {found}");
    }
    let samples = whole["samples"].as_array().context("there are no samples")?;
    let states: Vec<_> = samples
        .iter()
        .filter(|it| it["service"] == "compute")
        .map(|it| (it["state"].as_str().unwrap_or_default(), it["traits"]["diskRoot"].as_str().is_some()))
        .collect();
    for state in ["active", "stopped", "terminated"] {
        ensure!(states.contains(&(state, true)), "no server is {state}, with its traits: {states:?}");
    }
    let big = format!("{}-big", workspace.prefix);
    ensure!(samples.iter().any(|it| it["kind"] == *big), "no server has the flavor {big}: {samples:?}");
    Ok(())
}

/// Seconds x quantity of each unit, from what the services say of each thing.
fn expected(
    cloud: &Cloud,
    project: &str,
    start: Timestamp,
    end: Timestamp,
) -> Result<Vec<(&'static str, i64)>> {
    let lived = |from: Timestamp, to: Option<Timestamp>| {
        (to.unwrap_or(end).min(end).as_second() - from.max(start).as_second()).max(0)
    };
    let token = cloud.token_in(project)?;
    let headers = [("openstack-api-version".to_owned(), "compute 2.47".to_owned())].into();
    let (mut servers, mut vcpus, mut ram, mut disk) = (0, 0, 0, 0);
    let mut count = 0;
    for query in ["", "&deleted=true"] {
        let line = format!("GET compute /servers/detail?all_tenants=1&project_id={project}{query}");
        let reply = cloud.request(&line, None, &headers, None)?;
        for server in reply.body["servers"].as_array().context("no servers")? {
            // Not from `launched_at`, which a resize and a rebuild set anew.
            let seconds = lived(
                time(&server["created"])?,
                Some(&server["OS-SRV-USG:terminated_at"]).filter(|it| !it.is_null()).map(time).transpose()?,
            );
            let flavor = |key: &str| server["flavor"][key].as_i64().unwrap_or_default();
            count += 1;
            servers += seconds;
            vcpus += seconds * flavor("vcpus");
            ram += seconds * flavor("ram");
            disk += seconds * (flavor("disk") + flavor("ephemeral"));
        }
    }
    ensure!(count == 5, "expected five servers, found {count}");
    let sum = |line: &str, key: &str, quantity: &dyn Fn(&Value) -> i64| {
        let reply = cloud.request(line, Some(&token), &Default::default(), None)?;
        let rows = reply.body[key].as_array().with_context(|| format!("no {key}: {}", reply.body))?;
        rows.iter().map(|it| Ok(lived(time(&it["created_at"])?, None) * quantity(it))).sum::<Result<i64>>()
    };
    let size = |it: &Value| it["size"].as_i64().unwrap_or_default();
    Ok(vec![
        ("server_hours", servers),
        ("vcpu_hours", vcpus),
        ("ram_mib_hours", ram),
        ("local_disk_gib_hours", disk),
        ("volume_gib_hours", sum("GET block-storage /volumes/detail", "volumes", &size)?),
        ("snapshot_gib_hours", sum("GET block-storage /snapshots/detail", "snapshots", &size)?),
        (
            "floating_ip_hours",
            sum(&format!("GET network /floatingips?project_id={project}"), "floatingips", &|_| 1)?,
        ),
        ("router_hours", sum(&format!("GET network /routers?project_id={project}"), "routers", &|_| 1)?),
    ])
}

/// Makes a project in which all kinds of things happen. Gives its id.
fn populate(cloud: &Cloud, prefix: &str) -> Result<String> {
    let project = json!({"project": {"name": format!("{prefix}-web"), "domain_id": "default"}});
    let project = text_at(&cloud.ask("POST identity /projects", Some(&project))?, "/project/id")?;
    let token = cloud.token_in(&project)?;
    let ask = |line: &str, body: Value| {
        let body = if body.is_null() { None } else { Some(&body) };
        let reply = cloud.request(line, Some(&token), &Default::default(), body)?;
        ensure!(reply.is_success(), "{line} was answered with {}: {}", reply.status, reply.body);
        Ok(reply.body)
    };
    let image = text_at(&ask("GET image /images?name=cirros-like", Value::Null)?, "/images/0/id")?;
    let flavor = text_at(&ask("GET compute /flavors", Value::Null)?, "/flavors/0/id")?;
    // Nobody else's servers get it.
    let big = json!({"name": format!("{prefix}-big"), "vcpus": 2, "ram": 128, "disk": 1, "os-flavor-access:is_public": false});
    let big = text_at(&ask("POST compute /flavors", json!({"flavor": big}))?, "/flavor/id")?;
    let external = text_at(&ask("GET network /networks?name=external", Value::Null)?, "/networks/0/id")?;

    let network = ask("POST network /networks", json!({"network": {"name": format!("{prefix}-net")}}))?;
    let network = text_at(&network, "/network/id")?;
    let subnet = json!({"subnet": {"network_id": network, "ip_version": 4, "cidr": "10.3.0.0/24"}});
    ask("POST network /subnets", subnet)?;
    ask("POST network /routers", json!({"router": {"name": format!("{prefix}-router")}}))?;
    let address = json!({"floatingip": {"floating_network_id": external}});
    ask("POST network /floatingips", address.clone())?;
    let released = text_at(&ask("POST network /floatingips", address)?, "/floatingip/id")?;
    ask(&format!("DELETE network /floatingips/{released}"), Value::Null)?;

    let volume = |size: u64| {
        let body = json!({"volume": {"name": format!("{prefix}-volume"), "size": size}});
        text_at(&ask("POST block-storage /volumes", body)?, "/volume/id")
    };
    let (grown, deleted) = (volume(1)?, volume(2)?);
    let available = |id: &str, size: u64| {
        let line = format!("GET block-storage /volumes/{id}");
        until(&|| ask(&line, Value::Null), &json!({"status": "available", "size": size}), "/volume")
    };
    available(&grown, 1)?;
    available(&deleted, 2)?;
    ask(&format!("POST block-storage /volumes/{grown}/action"), json!({"os-extend": {"new_size": 3}}))?;
    available(&grown, 3)?;
    ask(&format!("DELETE block-storage /volumes/{deleted}"), Value::Null)?;
    let snapshot = json!({"snapshot": {"name": format!("{prefix}-snapshot"), "volume_id": grown}});
    ask("POST block-storage /snapshots", snapshot)?;

    let mut servers = Vec::new();
    for name in ["runs", "stops", "goes", "grows", "anew"] {
        let body = json!({"server": {
            "name": format!("{prefix}-{name}"), "imageRef": image, "flavorRef": flavor,
            "networks": [{"uuid": network}],
        }});
        servers.push(text_at(&ask("POST compute /servers", body)?, "/server/id")?);
    }
    let status = |id: &str, status: &str| {
        let line = format!("GET compute /servers/{id}");
        until(&|| ask(&line, Value::Null), &json!({"status": status}), "/server")
    };
    for id in &servers {
        status(id, "ACTIVE")?;
    }
    let act = |id: &str, body: Value| ask(&format!("POST compute /servers/{id}/action"), body);
    act(&servers[1], json!({"os-stop": null}))?;
    status(&servers[1], "SHUTOFF")?;
    act(&servers[3], json!({"resize": {"flavorRef": big}}))?;
    status(&servers[3], "VERIFY_RESIZE")?;
    act(&servers[3], json!({"confirmResize": null}))?;
    act(&servers[4], json!({"rebuild": {"imageRef": image}}))?;
    status(&servers[3], "ACTIVE")?;
    status(&servers[4], "ACTIVE")?;
    ask(&format!("DELETE compute /servers/{}", servers[2]), Value::Null)?;
    let left = format!("GET compute /servers/{}", servers[2]);
    let gone = || {
        let reply = cloud.request(&left, Some(&token), &Default::default(), None)?;
        Ok(json!({"server": {"gone": reply.status == 404}}))
    };
    until(&gone, &json!({"gone": true}), "/server")?;
    let line = format!("GET block-storage /volumes/{deleted}");
    let gone = || {
        let reply = cloud.request(&line, Some(&token), &Default::default(), None)?;
        Ok(json!({"volume": {"gone": reply.status == 404}}))
    };
    until(&gone, &json!({"gone": true}), "/volume")?;
    Ok(project)
}

/// Makes a user who may read the project, and nothing else.
fn reader(cloud: &Cloud, prefix: &str, project: &str, password: &str) -> Result<String> {
    let user = cloud.make_user(&format!("{prefix}-meter"), password)?;
    cloud.grant(&user, "reader", &format!("/projects/{project}"))?;
    Ok(user)
}

/// Waits until what is at the pointer has these values.
fn until(ask: &dyn Fn() -> Result<Value>, expected: &Value, pointer: &str) -> Result<()> {
    let patience = Instant::now() + Duration::from_secs(180);
    loop {
        let found = ask()?;
        let found = found.pointer(pointer).cloned().unwrap_or_default();
        let mut wanted = expected.as_object().into_iter().flatten();
        if wanted.all(|(key, value)| found[key] == *value) {
            return Ok(());
        }
        ensure!(Instant::now() < patience, "still waiting for {expected}: {found}");
        sleep(Duration::from_millis(300));
    }
}

/// A time as a service writes it, which is in UTC.
fn time(value: &Value) -> Result<Timestamp> {
    let text = value.as_str().context("no time")?.trim_end_matches('Z');
    Ok(text.parse::<DateTime>()?.to_zoned(TimeZone::UTC)?.timestamp())
}

/// Without the fraction.
fn second(it: Timestamp) -> Timestamp {
    Timestamp::from_second(it.as_second()).unwrap_or(it)
}
