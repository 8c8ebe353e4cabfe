//! Rules about the source text, and about what belongs to everything on offer.
//!
//! Each rule is a sentence in ARCHITECTURE.md or CONTRIBUTING.md. A failure lists every place that breaks it.

// Clippy takes the helpers of tests for something else.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tenancy::provider::TenancyProvider;
use tenancy::tf::Provider;

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository: its path from the root, and its text.
struct File {
    path: String,
    text: String,
}

/// The text files below a folder, sorted. What is built, and what tools put beside, is left out.
fn files(folder: &str) -> Vec<File> {
    const SKIPPED: &[&str] = &["target", ".git", ".terraform", "node_modules", "__pycache__"];
    let (mut found, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
        for entry in entries {
            let path: PathBuf = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if SKIPPED.contains(&&*name) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                found.push(File { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn rust(folder: &str) -> Vec<File> {
    files(folder).into_iter().filter(|file| file.path.ends_with(".rs")).collect()
}

/// Every Rust file of ours.
fn all_rust() -> Vec<File> {
    ["src", "derive", "xtask", "acceptance-tests", "tests", "benches"]
        .into_iter()
        .filter(|folder| root().join(folder).exists())
        .flat_map(rust)
        .collect()
}

/// The lines of a file, each with its place, without their comments. A `//` after a colon is part of an address.
/// A module of tests at the end is left out.
fn code(file: &File) -> impl Iterator<Item = (String, &str)> {
    file.text.lines().take_while(|line| !line.starts_with("mod tests {")).enumerate().map(|(number, line)| {
        let comment = line.match_indices("//").find(|(at, _)| !line[..*at].ends_with(':'));
        (format!("{}:{}", file.path, number + 1), comment.map_or(line, |(at, _)| &line[..at]))
    })
}

/// Whether a file of src is one of tests.
fn is_test(file: &File) -> bool {
    file.path.ends_with("/tests.rs") || file.path.contains("/tests/")
}

fn is_word(it: char) -> bool {
    it.is_alphanumeric() || it == '_'
}

/// Whether a line has this word as a whole one.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(is_word)
            && !line[at + word.len()..].chars().next().is_some_and(is_word)
    })
}

#[track_caller]
fn check(rule: &str, broken: Vec<String>) {
    assert!(broken.is_empty(), "{rule}. Broken in {} places:\n  {}", broken.len(), broken.join("\n  "));
}

/// The modules of the crate that a file names, by `crate::` or by `super::`.
fn named_modules(file: &File) -> Vec<(String, String)> {
    let module: Vec<&str> = file
        .path
        .trim_start_matches("src/")
        .trim_end_matches(".rs")
        .trim_end_matches("/mod")
        .split('/')
        .collect();
    let mut found = Vec::new();
    for (place, line) in code(file) {
        let mut note = |rest: &str| match rest.strip_prefix('{') {
            Some(group) => {
                let mut depth = 0;
                for part in group.split_inclusive(['{', '}', ',']) {
                    if depth == 0 {
                        found.push((
                            place.clone(),
                            part.trim().chars().take_while(|it| is_word(*it)).collect(),
                        ));
                    }
                    depth += i32::from(part.ends_with('{')) - i32::from(part.ends_with('}'));
                    if depth < 0 {
                        break;
                    }
                }
            }
            None => found.push((place.clone(), rest.chars().take_while(|it| is_word(*it)).collect())),
        };
        for (at, _) in line.match_indices("crate::") {
            if !line[..at].ends_with("pub(") {
                note(&line[at + "crate::".len()..]);
            }
        }
        let mut rest = line;
        while let Some(at) = rest.find("super::") {
            rest = &rest[at..];
            let mut up = 0;
            while let Some(after) = rest.strip_prefix("super::") {
                (up, rest) = (up + 1, after);
            }
            if up >= module.len() {
                note(rest);
            }
        }
    }
    found.retain(|(_, module): &(String, String)| !module.is_empty());
    found
}

#[test]
fn layers_run_one_way() {
    /// What each layer may know, besides itself.
    const KNOWN: &[(&str, &[&str])] = &[
        ("tf", &[]),
        ("openstack", &[]),
        ("resources", &["tf", "openstack"]),
        ("data_sources", &["tf", "openstack", "resources"]),
        ("ephemeral", &["tf", "openstack", "resources"]),
        ("functions", &["tf", "openstack", "resources"]),
        ("provider", &["tf", "openstack", "resources", "data_sources", "ephemeral", "functions"]),
        ("lib", &[]),
        ("main", &[]),
    ];
    let mut broken = Vec::new();
    for file in rust("src") {
        let layer = file.path["src/".len()..].split(['/', '.']).next().unwrap();
        let Some((_, known)) = KNOWN.iter().find(|(name, _)| *name == layer) else {
            broken.push(format!("{}: which layer is this? Say so in {}", file.path, file!()));
            continue;
        };
        for (place, module) in named_modules(&file) {
            if module != layer && !known.contains(&&*module) {
                broken.push(format!("{place}: {layer} knows {module}"));
            }
        }
    }
    check("Dependencies run main -> provider -> resources -> {tf, openstack}", broken);
}

#[test]
fn tf_knows_no_openstack() {
    const WORDS: &[&str] =
        &["openstack", "keystone", "nova", "neutron", "cinder", "tenancy", "tenant", "quota"];
    let mut broken = Vec::new();
    for file in rust("src").iter().filter(|it| it.path.starts_with("src/tf")).chain(&rust("derive")) {
        for (place, line) in code(file) {
            let lower = line.replace("tenancy_derive", "").to_lowercase();
            broken.extend(
                WORDS.iter().filter(|word| lower.contains(*word)).map(|word| format!("{place}: {word}")),
            );
        }
    }
    check("src/tf could serve any provider: it has no word of OpenStack's", broken);
}

#[test]
fn openstack_knows_no_terraform() {
    let mut broken = Vec::new();
    for file in rust("src").iter().filter(|it| it.path.starts_with("src/openstack")) {
        for (place, line) in code(file) {
            // The two names that Keystone sees: the mark on what we made, and the user agent.
            let line = line.replace("terraform_tenancy_origin", "").replace("terraform-provider-tenancy", "");
            let lower = line.to_lowercase();
            broken.extend(
                ["terraform", "tofu", "diagnostic"]
                    .iter()
                    .filter(|word| lower.contains(**word))
                    .map(|word| format!("{place}: {word}")),
            );
        }
    }
    check("src/openstack could serve any program: it has no word of Terraform's", broken);
}

/// The rule, where it holds, the words that show a breach, and the files that may have them.
fn only_in(rule: &str, words: &[&str], may: &[&str]) {
    let mut broken = Vec::new();
    for file in rust("src") {
        if is_test(&file) || may.iter().any(|prefix| file.path.starts_with(prefix)) {
            continue;
        }
        for (place, line) in code(&file) {
            broken.extend(
                words.iter().filter(|word| has_word(line, word)).map(|word| format!("{place}: {word}")),
            );
        }
    }
    check(rule, broken);
}

#[test]
fn wire_types_stop_at_the_server() {
    only_in(
        "Wire types are known in src/tf/{proto,server,plugin} only",
        &["prost", "tonic", "proto", "tfplugin6", "tonic_prost"],
        &["src/tf/proto.rs", "src/tf/server", "src/tf/plugin", "src/tf.rs"],
    );
}

#[test]
fn only_the_plugin_knows_the_handshake() {
    only_in(
        "Only src/tf/plugin knows the handshake, the sockets and the certificates",
        &["PLUGIN_", "rcgen", "tokio_rustls", "UnixListener", "TcpListener", "MAGIC_COOKIE"],
        &["src/tf/plugin"],
    );
}

#[test]
fn one_place_sends() {
    only_in(
        "All requests go through src/openstack/transport.rs",
        &["reqwest::Client", "reqwest::ClientBuilder", "reqwest::get", "hyper", "TcpStream"],
        &["src/openstack/transport", "src/tf/plugin"],
    );
}

#[test]
fn one_place_reads_the_environment() {
    only_in(
        "The environment is read where settings are merged, and where the host's variables are",
        &["env::var", "env::vars", "env::var_os", "env::vars_os", "env::home_dir"],
        &["src/openstack/config/files.rs", "src/tf/plugin"],
    );
}

#[test]
fn standard_output_belongs_to_the_handshake() {
    only_in(
        "Nobody prints but main and src/tf/plugin: a line too many on stdout, and the host gives up",
        &["println!", "print!", "eprintln!", "eprint!", "dbg!"],
        &["src/main.rs", "src/tf/plugin"],
    );
}

#[test]
fn gone_is_decided_by_the_error() {
    let mut broken = Vec::new();
    for file in rust("src") {
        if file.path.starts_with("src/openstack/") || file.path.starts_with("src/tf/") {
            continue;
        }
        for (place, line) in code(&file) {
            if has_word(line, "404") || has_word(line, "NOT_FOUND") {
                broken.push(place);
            }
        }
    }
    check("Resources ask `get_opt` and `is_not_found_of`; they judge no status 404 themselves", broken);
}

#[test]
fn every_file_says_what_it_is() {
    // The tests of a file are in `tests.rs` beside it: it has said what they are about.
    let broken = rust("src")
        .into_iter()
        .chain(rust("derive"))
        .chain(rust("xtask"))
        .filter(|file| !file.path.ends_with("/tests.rs") && !file.text.starts_with("//!"));
    check("Every file starts with a `//!` sentence", broken.map(|file| file.path).collect());
}

#[test]
fn no_file_is_too_long() {
    let lines = |file: &File| file.text.lines().count();
    let long = all_rust().into_iter().filter(|file| lines(file) > 650);
    check(
        "A file has one subject, and at most 650 lines",
        long.map(|file| format!("{}: {} lines", file.path, lines(&file))).collect(),
    );
}

/// Every text file of ours but this one, which has to name what it looks for.
fn everything() -> impl Iterator<Item = File> {
    files("").into_iter().filter(|file| file.path != "tests/tidy.rs")
}

#[test]
fn nothing_is_left_to_do() {
    let mut broken = Vec::new();
    for file in everything() {
        for (number, line) in file.text.lines().enumerate() {
            let words = ["TODO", "FIXME", "XXX", "HACK"].iter().any(|word| has_word(line, word));
            let rust = file.path.ends_with(".rs")
                && ["todo!", "unimplemented!", "#[ignore"].iter().any(|word| line.contains(word));
            if words || rust {
                broken.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    check("What is not done is not in the source, and no test is switched off", broken);
}

#[test]
fn no_machine_and_no_mirror_is_named() {
    const PATHS: &[&str] = &["/work/", "/root/", "/Users/", "/tmp/bash", "C:\\Users"];
    // Parts of their names, so that the rule does not break itself.
    const HOSTS: &[&str] = &[
        "static.crates",
        "index.crates",
        "proxy.golang",
        "sum.golang",
        "pythonhosted",
        "registry.npmjs",
        "artifactory",
    ];
    let mut broken = Vec::new();
    for file in everything() {
        for (number, line) in file.text.lines().enumerate() {
            // As a path. In an address of some API it may well stand.
            let home = ["\"/home/", " /home/", "=/home/", "`/home/"].iter().any(|it| line.contains(it));
            let found = PATHS.iter().chain(HOSTS).filter(|it| line.contains(**it));
            let found: Vec<_> = found.copied().chain(home.then_some("/home/")).collect();
            if !found.is_empty() {
                broken.push(format!("{}:{}: {}", file.path, number + 1, found.join(", ")));
            }
        }
    }
    check("No path of one machine, and no package registry's host, is in any file", broken);
}

#[test]
fn packages_come_from_crates_io() {
    const SOURCE: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let strange = lock.lines().filter(|line| line.contains("://") && *line != SOURCE);
    let mut broken: Vec<_> = strange.map(|line| format!("Cargo.lock: {line}")).collect();
    for file in everything().filter(|it| it.path.ends_with("package-lock.json")) {
        let resolved = file.text.lines().filter(|line| line.contains("\"resolved\""));
        broken.extend(resolved.map(|line| format!("{}: {}", file.path, line.trim())));
    }
    check("Lock files name the registry by its usual name only", broken);
}

/// Each rule of ARCHITECTURE.md ends in "Kept by `test` (`file`)."; a scenario stands for its folder.
#[test]
fn every_rule_names_a_test_that_exists() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (mut broken, mut count) = (Vec::new(), 0);
    for rest in one_line.split("Kept by ").skip(1) {
        let sentence = &rest[..rest.find(").").map_or(rest.len(), |at| at + 1)];
        for one in sentence.split(" and ") {
            count += 1;
            let mut parts = one.split('`');
            let (test, file) = (parts.nth(1).unwrap_or_default(), parts.nth(1).unwrap_or_default());
            let found = fs::read_to_string(root().join(file)).unwrap_or_default();
            let exists = found.contains(&format!("fn {test}(")) || root().join(file).join(test).is_dir();
            if !exists {
                broken.push(format!("`{test}` (`{file}`)"));
            }
        }
    }
    assert!(count > 10, "ARCHITECTURE.md has lost its rules");
    check("Every rule in ARCHITECTURE.md names a test that exists", broken);
}

/// Something on offer.
struct Offered {
    /// Its folder in examples/ and in docs/.
    folder: &'static str,
    /// Its name, as users write it.
    name: String,
    /// Its page, and the end of its example's folder.
    page: String,
    /// What a configuration that uses it has in it.
    used: String,
    /// What the changelog calls it.
    kind: &'static str,
}

fn offer() -> Vec<Offered> {
    let of = |folder, kind, block: &str, short: &str| {
        let name = format!("{}_{short}", TenancyProvider::NAME);
        Offered { folder, kind, used: format!("{block} \"{name}\""), page: short.to_owned(), name }
    };
    let mut all = Vec::new();
    for it in TenancyProvider::resources() {
        all.push(of("resources", "Resource", "resource", it.name()));
    }
    for it in TenancyProvider::data_sources() {
        all.push(of("data-sources", "Data source", "data", it.name()));
    }
    for it in TenancyProvider::ephemerals() {
        all.push(of("ephemeral-resources", "Ephemeral resource", "ephemeral", it.name()));
    }
    for it in TenancyProvider::functions() {
        let name = it.name().to_owned();
        let used = format!("provider::{}::{name}(", TenancyProvider::NAME);
        all.push(Offered { folder: "functions", kind: "Function", used, page: name.clone(), name });
    }
    all
}

#[test]
fn the_changelog_has_a_line_for_everything_on_offer() {
    let changelog = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let lines: Vec<_> = offer().into_iter().map(|it| format!("- {} `{}`", it.kind, it.name)).collect();
    let missing = lines.into_iter().filter(|start| !changelog.lines().any(|line| line.starts_with(start)));
    check("CHANGELOG.md has a line for each", missing.collect());
}

/// The source, with what is written over two lines in one, and without escapes.
fn said() -> String {
    let source: String = rust("src").into_iter().map(|file| file.text).collect();
    let source = source.replace("\\\"", "\"").replace("\\\n", "\n");
    source.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The headings of the guide are what the provider says, with `…` for what differs.
#[test]
fn the_guide_quotes_what_the_provider_says() {
    let source = said();
    let guide = fs::read_to_string(root().join("docs/guides/troubleshooting.md")).unwrap();
    let mut broken = Vec::new();
    for heading in guide.lines().filter_map(|line| line.strip_prefix("### ")) {
        for quoted in heading.split('`').skip(1).step_by(2) {
            let said = quoted.split('…').map(str::trim).filter(|part| part.len() > 2);
            broken
                .extend(said.filter(|part| !source.contains(*part)).map(|part| format!("{quoted}: {part}")));
        }
    }
    check("The guide has no message that the provider does not say", broken);
}

/// What guides say elsewhere that the provider says has a `…` in it.
#[test]
fn other_guides_quote_what_the_provider_says_too() {
    let source = said();
    let mut broken = Vec::new();
    for guide in files("docs/guides") {
        let prose = guide.text.split("```").step_by(2).collect::<String>();
        let prose = prose.split_whitespace().collect::<Vec<_>>().join(" ");
        for quoted in prose.split('`').skip(1).step_by(2).filter(|it| it.contains('…')) {
            let parts = quoted.split('…').map(str::trim).filter(|part| part.len() > 2);
            broken.extend(
                parts.filter(|part| !source.contains(*part)).map(|it| format!("{}: {it}", guide.path)),
            );
        }
    }
    check("Guides have no message that the provider does not say", broken);
}

/// The configuration of a guide is that of the scenario `guide-` and its name: each file as it is, and all of them.
#[test]
fn guides_show_what_their_scenarios_run() {
    let scenarios = files("acceptance-tests/scenarios");
    let (mut broken, mut shown) = (Vec::new(), 0);
    for guide in files("docs/guides") {
        let name = guide.path.trim_start_matches("docs/guides/").trim_end_matches(".md");
        let folder = format!("acceptance-tests/scenarios/guide-{name}/");
        let run: BTreeSet<_> = scenarios
            .iter()
            .filter(|it| it.path.starts_with(&folder) && it.path.ends_with(".tf"))
            .map(|it| it.text.as_str())
            .collect();
        let blocks = guide.text.split("```terraform\n").skip(1);
        let blocks: BTreeSet<_> = blocks.filter_map(|it| it.split("```").next()).collect();
        shown += blocks.len();
        let differ = run.symmetric_difference(&blocks);
        broken.extend(differ.map(|it| format!("{}: {}", guide.path, it.lines().next().unwrap_or_default())));
    }
    assert!(shown > 5, "the guides have lost their configurations");
    check("Guides show what their scenarios run", broken);
}

#[test]
fn everything_on_offer_has_an_example_and_a_page() {
    let mut missing = Vec::new();
    let mut known = BTreeSet::new();
    for Offered { folder, name, page, used, .. } in offer() {
        let examples = format!("examples/{folder}/{name}");
        let file = format!("{examples}/{}.tf", folder.trim_end_matches('s'));
        let mut wanted = vec![format!("docs/{folder}/{page}.md"), file.clone()];
        if folder == "resources" {
            wanted.extend(["import.sh", "import-by-identity.tf"].map(|it| format!("{examples}/{it}")));
        }
        missing.extend(wanted.into_iter().filter(|path| !root().join(path).is_file()));
        let example = fs::read_to_string(root().join(&file)).unwrap_or_default();
        if !example.contains(&used) {
            missing.push(format!("{file}: {used}"));
        }
        known.insert(examples);
    }
    check("Everything on offer has an example and a page", missing);
    let folders = ["resources", "data-sources", "ephemeral-resources", "functions"];
    let present = folders.iter().flat_map(|it| fs::read_dir(root().join("examples").join(it)).unwrap());
    let present = present.map(|it| it.unwrap().path());
    let present = present.map(|it| it.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/"));
    check("Nothing else has an example", present.filter(|it| !known.contains(it)).collect());
}

#[test]
fn everything_on_offer_has_a_scenario() {
    let scenarios = files("acceptance-tests/scenarios");
    let missing = offer().into_iter().filter(|it| !scenarios.iter().any(|file| file.text.contains(&it.used)));
    check("Everything on offer is in an acceptance scenario", missing.map(|it| it.used).collect());
}
