//! What `#[derive(Model)]` says of a model that is none.
//!
//! Each model below is compiled for itself against the library that was built for these tests. What the compiler says
//! is in `tests/golden/derive.txt`; `UPDATE_EXPECT=1` rewrites it.

// Clippy takes the helpers of tests for something else.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use expect_test::expect_file;

const MODELS: &[(&str, &str)] = &[
    ("no doc comment on the struct", "#[derive(Model)] struct M { /** Name. */ name: String }"),
    ("no doc comment on a field", "/** M. */ #[derive(Model)] struct M { name: String, size: i64 }"),
    ("an enum", "/** M. */ #[derive(Model)] enum M { A }"),
    ("a tuple struct", "/** M. */ #[derive(Model)] struct M(String);"),
    ("a type that Terraform has not", "/** M. */ #[derive(Model)] struct M { /** Size. */ size: u8 }"),
    (
        "a map with other keys",
        "/** M. */ #[derive(Model)] struct M { /** All. */ all: BTreeMap<i64, String> }",
    ),
    (
        "a default of another type",
        "/** M. */ #[derive(Model)] struct M { /** On. */ #[tf(default = \"yes\")] on: bool }",
    ),
    (
        "a word that is none",
        "/** M. */ #[derive(Model)] struct M { /** Name. */ #[tf(replaces)] name: String }",
    ),
    (
        "keep of what is not computed",
        "/** M. */ #[derive(Model)] struct M { /** Name. */ #[tf(keep)] name: String }",
    ),
    (
        "managed_if_set of what is required",
        "/** M. */ #[derive(Model)] struct M { /** Name. */ #[tf(managed_if_set)] name: String }",
    ),
    (
        "a check of another type",
        "fn even(_: &i64) -> Result<(), String> { Ok(()) }
         /** M. */ #[derive(Model)] struct M { /** Name. */ #[tf(check(even))] name: String }",
    ),
    (
        "a model",
        "/** M. */ #[derive(Model)] struct M { /** Name. */ #[tf(replace, sensitive)] name: Option<String> }",
    ),
];

#[test]
fn mistakes_are_told_at_their_place() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("derive");
    fs::create_dir_all(&folder).unwrap();
    let (library, dependencies) = library();
    let mut text = String::new();
    for (number, (title, model)) in MODELS.iter().enumerate() {
        let file = folder.join(format!("model{number}.rs"));
        fs::write(
            &file,
            format!(
                "#![allow(unused)]\nmod tf {{ pub use tenancy::tf::*; }}\nuse std::collections::BTreeMap;\nuse tf::Model;\n{model}\n"
            ),
        )
        .unwrap();
        let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .current_dir(&folder)
            .args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--error-format=json"])
            .arg(format!("--extern=tenancy={}", library.display()))
            .arg(format!("-Ldependency={}", dependencies.display()))
            .arg(file.file_name().unwrap())
            .output()
            .unwrap();
        let _ = writeln!(text, "# {title}");
        let mut said = BTreeSet::new();
        for line in String::from_utf8(output.stderr).unwrap().lines() {
            let message: serde_json::Value = serde_json::from_str(line).unwrap();
            let span =
                message["spans"].as_array().and_then(|all| all.iter().find(|it| it["is_primary"] == true));
            // Without a place: the count of errors at the end.
            let (Some(span), Some("error")) = (span, message["level"].as_str()) else { continue };
            let at = &span["text"][0];
            let (from, to) = (at["highlight_start"].as_u64().unwrap(), at["highlight_end"].as_u64().unwrap());
            let marked = &at["text"].as_str().unwrap()[from as usize - 1..to as usize - 1];
            let message = message["message"].as_str().unwrap().to_owned();
            // The compiler says of one type several times that it is no attribute.
            if said.insert(message.clone()) || message.starts_with("needs") {
                let _ = writeln!(text, "`{marked}`: {message}");
            }
        }
        let _ =
            writeln!(text, "{}\n", if output.status.success() { "(compiles)" } else { "(does not compile)" });
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/derive.txt");
    expect_file![golden].assert_eq(&text);
}

/// The library that these tests were linked with, and the folder of what it depends on. Of several builds of this very
/// source, the newest.
fn library() -> (PathBuf, PathBuf) {
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs").display().to_string();
    let newest = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            let list = name.strip_prefix("libtenancy-").and_then(|it| it.strip_suffix(".rlib"));
            // The list of sources beside it, relative or absolute, as cargo called the compiler.
            let list =
                list.and_then(|hash| fs::read_to_string(folder.join(format!("tenancy-{hash}.d"))).ok());
            list.is_some_and(|list| list.contains(&source) || list.contains(": src/lib.rs"))
        })
        .max_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
    (newest.expect("the library was built for this test"), folder)
}
