//! The pages of docs/, as Terraform's registry wants them, from the schemas and from examples/.
//!
//! Only `docs/guides` is written by hand. The test compares, so that the pages are true at every commit;
//! `cargo xtask docs`, or `UPDATE_EXPECT=1`, rewrites them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tenancy::provider::{Config, TenancyProvider};
use tenancy::tf::{DynFunction, Field, Kind, Model, Nesting, Presence, Provider, Schema, Type, Value};

#[test]
fn the_pages_are_up_to_date() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = pages(root)?;
    let stale = stale(root, &pages)?;
    if std::env::var_os("UPDATE_EXPECT").is_none() {
        let list: String = stale.iter().map(|path| format!("\n  {}", path.display())).collect();
        ensure!(stale.is_empty(), "run `cargo xtask docs`; these pages are not up to date:{list}");
        return Ok(());
    }
    for path in &stale {
        let file = root.join(path);
        match pages.get(path) {
            Some(text) => {
                fs::create_dir_all(file.parent().unwrap_or(root))?;
                fs::write(file, text)?;
            }
            None => fs::remove_file(file)?,
        }
    }
    Ok(())
}

/// The pages that differ from what is there, are missing, or belong to nothing.
fn stale(root: &Path, pages: &BTreeMap<PathBuf, String>) -> Result<Vec<PathBuf>> {
    let mut stale: Vec<_> = pages
        .iter()
        .filter(|(path, text)| fs::read_to_string(root.join(path)).ok().as_ref() != Some(*text))
        .map(|(path, _)| path.clone())
        .collect();
    const FOLDERS: [&str; 6] =
        ["resources", "data-sources", "ephemeral-resources", "functions", "list-resources", "actions"];
    for folder in FOLDERS.map(|it| format!("docs/{it}")) {
        let Ok(entries) = fs::read_dir(root.join(&folder)) else { continue };
        for entry in entries {
            let path = Path::new(&folder).join(entry?.file_name());
            if !pages.contains_key(&path) {
                stale.push(path);
            }
        }
    }
    Ok(stale)
}

/// Every page, by its path from the root.
fn pages(root: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut pages = BTreeMap::new();
    let mut listed = Vec::new();
    let mut list = |title, folder, all: Vec<(String, String)>| listed.push((title, folder, all));
    let mut all = Vec::new();
    for it in TenancyProvider::resources() {
        let page = Page { root, name: it.name(), folder: "resources", title: "Resource" };
        all.push(page.entry(it.schema()));
        let mut text = page.start(it.schema())?;
        text += &schema(it.schema(), &[]);
        text += &page.import(&it.identity())?;
        text += &page.moves(&it.movable());
        pages.insert(page.path(), text);
    }
    list("Resources", "resources", std::mem::take(&mut all));
    for it in TenancyProvider::data_sources() {
        let page = Page { root, name: it.name(), folder: "data-sources", title: "Data Source" };
        all.push(page.entry(it.schema()));
        pages.insert(page.path(), page.start(it.schema())? + &schema(it.schema(), &[]));
    }
    list("Data Sources", "data-sources", std::mem::take(&mut all));
    for it in TenancyProvider::ephemerals() {
        let page = Page { root, name: it.name(), folder: "ephemeral-resources", title: "Ephemeral Resource" };
        all.push(page.entry(it.schema()));
        pages.insert(page.path(), page.start(it.schema())? + &schema(it.schema(), &[]));
    }
    list("Ephemeral Resources", "ephemeral-resources", std::mem::take(&mut all));
    for it in TenancyProvider::functions() {
        let path = format!("docs/functions/{}.md", it.name());
        all.push((it.name().to_owned(), first_sentence(it.schema().description)));
        pages.insert(path.into(), function(root, &*it)?);
    }
    list("Functions", "functions", std::mem::take(&mut all));
    for it in TenancyProvider::lists() {
        let page = Page { root, name: it.name(), folder: "list-resources", title: "List Resource" };
        all.push(page.entry(it.schema()));
        pages.insert(page.path(), page.start(it.schema())? + &schema(it.schema(), &[]));
    }
    list("List Resources (Terraform 1.14 or newer)", "list-resources", std::mem::take(&mut all));
    for it in TenancyProvider::actions() {
        let page = Page { root, name: it.name(), folder: "actions", title: "Action" };
        all.push(page.entry(it.schema()));
        pages.insert(page.path(), page.start(it.schema())? + &schema(it.schema(), &[]));
    }
    list("Actions (Terraform 1.14 or newer)", "actions", all);
    pages.insert("docs/index.md".into(), index(root, &listed)?);
    Ok(pages)
}

/// What is on offer of one kind: title and folder, then names, each with its first sentence.
type Listed = (&'static str, &'static str, Vec<(String, String)>);

fn index(root: &Path, listed: &[Listed]) -> Result<String> {
    let config = Config::schema();
    let mut text = front(&format!("{} Provider", TenancyProvider::NAME), "", config.description);
    let _ = write!(text, "# {} Provider\n\n{}\n\n", TenancyProvider::NAME, paragraphs(config.description));
    text += &example(root, "examples/provider/provider.tf")?;
    for (title, folder, all) in listed {
        let _ = writeln!(text, "## {title}\n");
        for (name, about) in all {
            let page = name.trim_start_matches("tenancy_");
            let _ = writeln!(text, "- [`{name}`]({folder}/{page}.md): {about}");
        }
        text.push('\n');
    }
    text += &guides(root)?;
    text += &schema(&config, &[]);
    Ok(text)
}

/// The guides, each with what it says of itself.
fn guides(root: &Path) -> Result<String> {
    let entries =
        fs::read_dir(root.join("docs/guides"))?.map(|it| Ok(it?.path())).collect::<Result<Vec<_>>>()?;
    let mut lines = Vec::new();
    for path in entries {
        let text = fs::read_to_string(&path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let title = text.lines().find_map(|line| line.strip_prefix("page_title: ")).context("no title")?;
        let about = text
            .lines()
            .skip_while(|line| !line.starts_with("description:"))
            .nth(1)
            .context("no description")?;
        lines.push(format!("- [{}](guides/{name}.md): {}\n", title.trim_matches('"'), about.trim()));
    }
    lines.sort();
    Ok(format!("## Guides\n\n{}\n", lines.concat()))
}

/// The page of a function: what it is called with, and what it returns.
fn function(root: &Path, it: &dyn DynFunction) -> Result<String> {
    let (name, schema) = (it.name(), it.schema());
    let title = format!("{name} function - {}", TenancyProvider::NAME);
    let mut text = front(&title, "subcategory: \"\"\n", schema.description);
    let _ = write!(text, "# function: {name}\n\n{}\n\n", paragraphs(schema.description));
    text += &example(root, &format!("examples/functions/{name}/function.tf"))?;
    let parameters = schema.fields.iter().map(|it| format!("{} {}", it.name, kind(&it.kind).to_lowercase()));
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    let returns = of_type(&it.returns()).to_lowercase();
    let _ = write!(text, "## Signature\n\n```text\n{name}({parameters}) {returns}\n```\n\n## Arguments\n\n");
    for (number, it) in schema.fields.iter().enumerate() {
        let (kind, about) = (kind(&it.kind), paragraphs(it.description));
        let _ = writeln!(text, "{}. `{}` ({kind}) {about}", number + 1, it.name);
    }
    Ok(text)
}

/// The page of whatever has a schema.
struct Page<'a> {
    root: &'a Path,
    name: &'static str,
    folder: &'static str,
    title: &'static str,
}

impl Page<'_> {
    fn path(&self) -> PathBuf {
        format!("docs/{}/{}.md", self.folder, self.name).into()
    }

    fn full_name(&self) -> String {
        format!("{}_{}", TenancyProvider::NAME, self.name)
    }

    fn entry(&self, schema: &Schema) -> (String, String) {
        (self.full_name(), first_sentence(schema.description))
    }

    fn examples(&self) -> String {
        format!("examples/{}/{}", self.folder, self.full_name())
    }

    /// All before the schema.
    fn start(&self, schema: &Schema) -> Result<String> {
        let (name, about) = (self.full_name(), paragraphs(schema.description));
        let mut text = front(
            &format!("{name} {} - {}", self.title, TenancyProvider::NAME),
            "subcategory: \"\"\n",
            schema.description,
        );
        let _ = write!(text, "# {name} ({})\n\n{about}\n\n", self.title);
        let file = self.folder.trim_end_matches('s');
        let end = if self.folder == "list-resources" { "tfquery.hcl" } else { "tf" };
        text += &example(self.root, &format!("{}/{file}.{end}", self.examples()))?;
        Ok(text)
    }

    /// How an existing object is taken in: as a block, by identity, as a command.
    fn import(&self, identity: &Schema) -> Result<String> {
        let folder = self.examples();
        let mut text = "\n## Import\n\n".to_owned();
        let shell = read(self.root, &format!("{folder}/import.sh"))?;
        let first = shell.lines().find_map(|line| line.strip_prefix("terraform import "));
        let (to, id) = first
            .and_then(|words| words.split_once(' '))
            .with_context(|| format!("{folder}/import.sh has no line `terraform import ADDRESS ID`"))?;
        let id = id.trim().trim_matches(['"', '\'']);
        let _ = write!(
            text,
            "In an `import` block:\n\n```terraform\nimport {{\n  to = {to}\n  id = \"{id}\"\n}}\n```\n\n"
        );
        text +=
            "By identity (Terraform 1.12, OpenTofu 1.12 or newer), of which these attributes are made:\n\n";
        for field in &identity.fields {
            let required = if field.presence == Presence::Required { "Required" } else { "Optional" };
            let about = paragraphs(field.description);
            let _ = writeln!(text, "- `{}` ({}, {required}) {about}", field.name, kind(&field.kind));
        }
        let by_identity = read(self.root, &format!("{folder}/import-by-identity.tf"))?;
        let _ = write!(text, "\n```terraform\n{}\n```\n\n", by_identity.trim_end());
        let _ = write!(text, "On the command line:\n\n```shell\n{}\n```\n", shell.trim_end());
        Ok(text)
    }
}

impl Page<'_> {
    /// What can become one of these by a `moved` block.
    fn moves(&self, all: &[(&str, &str)]) -> String {
        let Some((_, first)) = all.first() else { return String::new() };
        let mut text = format!(
            "\n## Moved\n\nA `moved` block makes one of these of what another provider manages (Terraform 1.8, OpenTofu 1.10 or \
             newer), without touching the cloud. The guide \
             [Moving from terraform-provider-openstack](../guides/moving-from-openstack-provider.md) shows it.\n\n\
             ```terraform\nmoved {{\n  from = {first}.example\n  to   = {}.example\n}}\n```\n\nFrom\n\n",
            self.full_name()
        );
        for (provider, from) in all {
            let _ = writeln!(text, "- `{from}` of `{provider}`");
        }
        text
    }
}

/// What the registry reads, and what tells people not to edit the page. A provider's own page has no category.
fn front(title: &str, category: &str, description: &str) -> String {
    let about = paragraphs(description).split("\n\n").next().unwrap_or_default().replace('`', "");
    format!(
        "---\n# Written by `cargo xtask docs` from the schema and from examples/. Edit those.\npage_title: \"{title}\"\n\
         {category}description: |-\n  {about}\n---\n\n"
    )
}

fn read(root: &Path, path: &str) -> Result<String> {
    fs::read_to_string(root.join(path)).with_context(|| format!("{path} is needed for the documentation"))
}

fn example(root: &Path, path: &str) -> Result<String> {
    Ok(format!("## Example Usage\n\n```terraform\n{}\n```\n\n", read(root, path)?.trim_end()))
}

/// A doc comment's lines as paragraphs of one line each. Lists stay lists.
fn paragraphs(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let item = line.starts_with("- ") || line.starts_with("* ");
        match line {
            "" => out.push_str("\n\n"),
            _ if out.is_empty() || out.ends_with('\n') => out.push_str(line),
            _ if item => {
                out.push('\n');
                out.push_str(line);
            }
            _ => {
                out.push(' ');
                out.push_str(line);
            }
        }
    }
    out
}

fn first_sentence(text: &str) -> String {
    let text = paragraphs(text);
    let end = [". ", ".\n"].iter().filter_map(|it| text.find(it)).min();
    text[..end.map_or(text.len(), |at| at + 1)].to_owned()
}

/// The section about attributes, and below it one for each nested object.
fn schema(schema: &Schema, above: &[&str]) -> String {
    let mut text = String::new();
    if above.is_empty() {
        text.push_str("## Schema\n");
    } else {
        let anchor = above.join("--");
        let _ = write!(
            text,
            "\n<a id=\"nestedatt--{anchor}\"></a>\n### Nested Schema for `{}`\n",
            above.join(".")
        );
    }
    let group = |it: &Field| match it.presence {
        Presence::Required => 0,
        Presence::Optional | Presence::OptionalComputed => 1,
        Presence::Computed => 2,
    };
    for (number, title) in ["Required", "Optional", "Read-Only"].iter().enumerate() {
        let mut fields: Vec<_> = schema.fields.iter().filter(|it| group(it) == number).collect();
        fields.sort_by_key(|it| it.name);
        if fields.is_empty() {
            continue;
        }
        let _ =
            if above.is_empty() { write!(text, "\n### {title}\n\n") } else { write!(text, "\n{title}:\n\n") };
        for field in fields {
            let _ = writeln!(text, "{}", line(field, above));
        }
    }
    for field in &schema.fields {
        if let Kind::Nested(_, inner) = &field.kind {
            let path: Vec<_> = above.iter().copied().chain([field.name]).collect();
            text += &self::schema(inner, &path);
        }
    }
    text
}

/// How sentences begin that hold for the provider block itself, and not for the account in `metering`.
const OF_THE_BLOCK: [&str; 2] = ["Also `OS_", "By default "];

/// One attribute.
fn line(field: &Field, above: &[&str]) -> String {
    let mut words = vec![kind(&field.kind)];
    if field.sensitive {
        words.push("Sensitive".to_owned());
    }
    if field.write_only {
        words.push("Write-only".to_owned());
    }
    let mut about = paragraphs(field.description);
    if above == ["metering"] {
        // The words are those of the provider block. This account takes no variables, and what it leaves out from that one.
        about = about
            .split_inclusive(". ")
            .filter(|it| !OF_THE_BLOCK.iter().any(|start| it.starts_with(start)))
            .collect();
    }
    let mut text = format!("- `{}` ({}) {}", field.name, words.join(", "), about.trim_end());
    if !field.choices.is_empty() {
        let choices: Vec<_> = field.choices.iter().map(|it| format!("`{it}`")).collect();
        let _ = write!(text, " One of {}.", choices.join(", "));
    }
    if let Some(default) = &field.default {
        let _ = write!(text, " Default: `{}`.", literal(default));
    }
    if field.replace {
        text.push_str(" A change makes a new object.");
    }
    if let Some(why) = field.deprecated {
        let _ = write!(text, " **Deprecated:** {why}");
    }
    if let Kind::Nested(..) = &field.kind {
        let path: Vec<_> = above.iter().copied().chain([field.name]).collect();
        let _ = write!(text, " (see [below for nested schema](#nestedatt--{}))", path.join("--"));
    }
    // A list item goes on only in lines that are indented.
    text.replace('\n', "\n  ").replace("\n  \n", "\n\n")
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Plain(it) => of_type(it),
        Kind::Nested(Nesting::Single, _) => "Attributes".to_owned(),
        Kind::Nested(nesting, _) => format!("Attributes {nesting:?}"),
    }
}

fn of_type(it: &Type) -> String {
    match it {
        Type::Bool => "Boolean".to_owned(),
        Type::Number => "Number".to_owned(),
        Type::String => "String".to_owned(),
        Type::Dynamic => "Dynamic".to_owned(),
        Type::List(it) => format!("List of {}", of_type(it)),
        Type::Set(it) => format!("Set of {}", of_type(it)),
        Type::Map(it) => format!("Map of {}", of_type(it)),
        Type::Tuple(_) => "Tuple".to_owned(),
        Type::Object(_) => "Object".to_owned(),
    }
}

/// A value as it is written in a configuration.
fn literal(value: &Value) -> String {
    let all = |all: &[Value]| all.iter().map(literal).collect::<Vec<_>>().join(", ");
    match value {
        Value::Null | Value::Unknown => "null".to_owned(),
        Value::Bool(it) => it.to_string(),
        Value::Number(it) => it.to_string(),
        Value::String(it) => format!("\"{it}\""),
        Value::List(it) | Value::Object(it) => format!("[{}]", all(it)),
        Value::Map(it) => {
            let pairs: Vec<_> = it.iter().map(|(key, it)| format!("{key} = {}", literal(it))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::Dynamic(it) => literal(&it.1),
    }
}

#[test]
fn wrapped_comments_become_paragraphs() {
    assert_eq!(paragraphs("One\ntwo.\n\nThree:\n- a\n- b\nc"), "One two.\n\nThree:\n- a\n- b c");
    assert_eq!(first_sentence("One\ntwo. Three."), "One two.");
    assert_eq!(first_sentence("One.\n\nTwo. Three."), "One.");
}
