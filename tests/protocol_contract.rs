//! Our protocol definitions against the published ones, field by field.
//!
//! `tests/golden/protocol_contract.txt` lists every message, field, enum and
//! call of the published definitions. Ours must give the same list. Where Go is
//! installed, the list is also made anew from the published files themselves;
//! `UPDATE_EXPECT=1` then rewrites it. The output says which of the two ran.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use expect_test::expect_file;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};

/// Where the published definitions are: a Go module, a folder in it, the files.
const PUBLISHED: &[(&str, &str, &[&str])] = &[
    ("github.com/hashicorp/terraform@v1.16.4", "docs/plugin-protocol", &["tfplugin6.proto"]),
    (
        "github.com/hashicorp/go-plugin@v1.8.0",
        "internal/plugin",
        &["grpc_broker.proto", "grpc_controller.proto", "grpc_stdio.proto"],
    ),
];

/// The packages that those modules publish. The health service is part of gRPC
/// and in no such module as a file, so it stands in the list only.
const PACKAGES: [&str; 2] = ["tfplugin6", "plugin"];

#[test]
fn ours_is_the_published_contract() {
    let ours = protox::compile(
        ["tfplugin6.proto", "grpc_broker.proto", "grpc_controller.proto", "grpc_stdio.proto", "health.proto"],
        [Path::new(env!("CARGO_MANIFEST_DIR")).join("proto")],
    )
    .unwrap();
    let ours = list(&ours);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/protocol_contract.txt");

    match published() {
        Ok(mut published) => {
            println!("compared with the published files");
            // Line by line first: the first difference says more than two lists.
            let packages = |line: &&String| PACKAGES.contains(&line.split(['.', ' ']).nth(1).unwrap_or(""));
            let ours_of_them: BTreeSet<_> = ours.iter().filter(packages).cloned().collect();
            let missing: Vec<_> = published.difference(&ours_of_them).collect();
            let surplus: Vec<_> = ours_of_them.difference(&published).collect();
            assert!(missing.is_empty() && surplus.is_empty(), "missing: {missing:#?}\nsurplus: {surplus:#?}");
            published.extend(ours.iter().filter(|line| !packages(line)).cloned());
            expect_file![&golden].assert_eq(&text(&published));
        }
        Err(reason) => println!("NOT compared with the published files: {reason}"),
    }
    // Plainly, and from here on without `UPDATE_EXPECT`: ours is no source of
    // the list but for the health service.
    let committed = std::fs::read_to_string(&golden).unwrap();
    assert_eq!(text(&ours), committed, "ours differs from the committed list");
    println!("compared with the committed list");
}

fn text(lines: &BTreeSet<String>) -> String {
    lines.iter().fold(String::new(), |all, line| all + line + "\n")
}

/// Lists the published definitions, if Go can get them.
fn published() -> Result<BTreeSet<String>, String> {
    let mut lines = BTreeSet::new();
    for (module, folder, files) in PUBLISHED {
        let folder = download(module)?.join(folder);
        let set = protox::compile(*files, [folder]).map_err(|error| error.to_string())?;
        lines.extend(list(&set));
    }
    Ok(lines)
}

fn download(module: &str) -> Result<PathBuf, String> {
    // Outside of any Go module, so that no go.mod gets a say.
    let output = Command::new("go")
        .args(["mod", "download", "-json", module])
        .current_dir(std::env::temp_dir())
        .output()
        .map_err(|error| format!("no go: {error}"))?;
    let answer: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|_| "go gave no answer".to_owned())?;
    match answer["Dir"].as_str() {
        Some(path) => Ok(path.into()),
        None => Err(format!("{module}: {}", answer["Error"])),
    }
}

/// One line for each thing that the two sides have to agree on.
fn list(set: &FileDescriptorSet) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for file in &set.file {
        let package = file.package();
        if package.starts_with("google.") {
            continue;
        }
        for message in &file.message_type {
            list_message(package, message, &mut lines);
        }
        for enumeration in &file.enum_type {
            list_enum(package, enumeration, &mut lines);
        }
        for service in &file.service {
            for method in &service.method {
                let stream = |streams: bool| if streams { "stream " } else { "" };
                lines.insert(format!(
                    "rpc {package}.{}/{} ({}{}) returns ({}{})",
                    service.name(),
                    method.name(),
                    stream(method.client_streaming()),
                    method.input_type().trim_start_matches('.'),
                    stream(method.server_streaming()),
                    method.output_type().trim_start_matches('.'),
                ));
            }
        }
    }
    lines
}

fn list_message(scope: &str, message: &DescriptorProto, lines: &mut BTreeSet<String>) {
    let name = format!("{scope}.{}", message.name());
    let map = if message.options.as_ref().is_some_and(|options| options.map_entry()) { " map" } else { "" };
    lines.insert(format!("message {name}{map}"));
    for field in &message.field {
        lines.insert(format!("field {name} {:02} {}", field.number(), describe(message, field)));
    }
    for nested in &message.nested_type {
        list_message(&name, nested, lines);
    }
    for nested in &message.enum_type {
        list_enum(&name, nested, lines);
    }
}

fn describe(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let mut described = format!("{}: ", field.name());
    match field.label() {
        Label::Repeated => described.push_str("repeated "),
        _ if field.proto3_optional() => described.push_str("optional "),
        _ => {}
    }
    match field.r#type() {
        Type::Message | Type::Enum => described.push_str(field.type_name().trim_start_matches('.')),
        plain => described.push_str(&plain.as_str_name()["TYPE_".len()..].to_lowercase()),
    }
    // An optional field has a made-up oneof of its own: that one says nothing.
    if let Some(index) = field.oneof_index
        && !field.proto3_optional()
    {
        let _ = write!(described, " of {}", message.oneof_decl[index as usize].name());
    }
    described
}

fn list_enum(scope: &str, enumeration: &EnumDescriptorProto, lines: &mut BTreeSet<String>) {
    for value in &enumeration.value {
        lines.insert(format!("enum {scope}.{} {} = {}", enumeration.name(), value.name(), value.number()));
    }
}
