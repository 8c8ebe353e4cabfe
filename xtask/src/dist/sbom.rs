//! The bill of materials of a binary, as CycloneDX 1.5: every crate that is linked into it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use cargo_metadata::{DependencyKind, Metadata as Cargo, MetadataCommand, Package, PackageId};
use cyclonedx_bom::models::component::Classification;
use cyclonedx_bom::models::dependency::{Dependencies, Dependency};
use cyclonedx_bom::models::license::{LicenseChoice, Licenses};
use cyclonedx_bom::prelude::{Bom, Component, Components, Metadata, Purl, SpecVersion, Validate};

/// The bill of `name` for a target. It has neither time nor serial number, so that the same commit has the same bill.
pub fn of(root: &Path, name: &str, target: &str) -> Result<Vec<u8>> {
    let cargo = MetadataCommand::new()
        .current_dir(root)
        .other_options(["--locked", "--filter-platform", target].map(str::to_owned))
        .exec()?;
    let linked = linked(&cargo, name)?;
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    let mut whole = None;
    for (id, needs) in &linked {
        let package = &cargo[*id];
        let ours = package.name.as_str() == name;
        let component =
            component(package, if ours { Classification::Application } else { Classification::Library })?;
        dependencies.push(Dependency {
            dependency_ref: reference(package),
            dependencies: needs.iter().map(|id| reference(&cargo[*id])).collect(),
        });
        match ours {
            true => whole = Some(component),
            false => components.push(component),
        }
    }
    components.sort_by_key(|it| it.bom_ref.clone());
    dependencies.sort_by_key(|it| it.dependency_ref.clone());
    let bill = Bom {
        serial_number: None,
        metadata: Some(Metadata { component: whole, ..Metadata::default() }),
        components: Some(Components(components)),
        dependencies: Some(Dependencies(dependencies)),
        ..Bom::default()
    };
    let checked = bill.validate_version(SpecVersion::V1_5);
    ensure!(checked.passed(), "the bill of materials is not valid: {checked:?}");
    let mut text = Vec::new();
    bill.output_as_json_v1_5(&mut text)?;
    text.push(b'\n');
    Ok(text)
}

/// The packages that are linked into a binary, and what each of them needs. What runs during the build alone is left out.
fn linked<'a>(cargo: &'a Cargo, name: &str) -> Result<BTreeMap<&'a PackageId, BTreeSet<&'a PackageId>>> {
    let resolve = cargo.resolve.as_ref().context("cargo did not resolve the dependencies")?;
    let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let first = cargo.packages.iter().find(|it| it.name.as_str() == name);
    let mut wanted = vec![&first.with_context(|| format!("there is no package {name}"))?.id];
    let mut found = BTreeMap::new();
    while let Some(id) = wanted.pop() {
        if found.contains_key(id) {
            continue;
        }
        let node = nodes.get(id).with_context(|| format!("{id} is not resolved"))?;
        let is_macro = |id: &PackageId| cargo[id].targets.iter().any(|it| it.is_proc_macro());
        let needs: BTreeSet<_> = node
            .deps
            .iter()
            .filter(|it| it.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal))
            .map(|it| &it.pkg)
            .filter(|id| !is_macro(id))
            .collect();
        wanted.extend(&needs);
        found.insert(id, needs);
    }
    Ok(found)
}

fn component(package: &Package, kind: Classification) -> Result<Component> {
    let version = package.version.to_string();
    let mut component = Component::new(kind, &package.name, &version, Some(reference(package)));
    if package.source.is_some() {
        component.purl = Some(Purl::new("cargo", &package.name, &version)?);
    }
    // Old packages write a slash where SPDX has OR.
    component.licenses = package
        .license
        .as_ref()
        .map(|it| Licenses(vec![LicenseChoice::expression(&it.replace('/', " OR "))]));
    Ok(component)
}

fn reference(package: &Package) -> String {
    format!("{}@{}", package.name, package.version)
}
