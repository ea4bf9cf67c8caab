//! A module imports from the layers below it and from nowhere else; files of a folder import in one direction
//! (`circles`), and no type grows beyond bounds (`methods`).
//!
//! Reads every path that begins with `crate::` in `src/`, every `stagedoor::` path of the binary, and every manifest.
//! The table is the one of `ARCHITECTURE.md`; a module that is in no row fails, so that a new one gets its place.

mod circles;
mod graph;
mod methods;
mod source;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

/// The modules by layer, lowest first; each may import those of lower layers. The wire types all may.
const LAYERS: &[&[&str]] = &[
    &["time"],
    &[
        "address",
        "blocks",
        "event_type",
        "grant",
        "idempotency",
        "names",
        "principal",
        "rate_limit",
        "request",
        "revocation",
        "session",
        "room",
    ],
    &["api_body", "clock", "lifecycle", "sync", "telemetry", "config", "outbound"],
    &["store", "engine", "auth", "webhook"],
    &["hub"],
    &["transport"],
    &["http", "cli"],
    &["server"],
    &["main"],
];
/// What may be imported within a layer.
const BESIDE: &[(&str, &str)] = &[
    ("session", "grant"),
    ("session", "rate_limit"),
    ("blocks", "principal"),
    ("room", "blocks"),
    ("room", "grant"),
    ("room", "idempotency"),
    ("room", "rate_limit"),
    ("room", "principal"),
    ("room", "request"),
    ("room", "revocation"),
    ("config", "outbound"),
    ("auth", "store"),
    ("engine", "store"),
    ("webhook", "store"),
];
/// Modules that may import less than their layer allows.
const NARROW: &[(&str, &[&str])] = &[
    ("api_body", &["room"]),
    ("clock", &["time"]),
    ("lifecycle", &[]),
    ("sync", &[]),
    ("telemetry", &[]),
    ("outbound", &[]),
    ("main", &["cli", "config", "telemetry", "server"]),
];

/// Each crate of the workspace with the crates of the workspace it may depend on, for its tests too.
const CRATES: &[(&str, &str, &[&str])] = &[
    // The client is for `rooms tail`, which listens as any client does.
    ("Cargo.toml", "dependencies", &["stagedoor-proto", "stagedoor-client"]),
    ("Cargo.toml", "dev-dependencies", &["stagedoor-proto", "stagedoor-client", "stagedoor-fuzz"]),
    ("fuzz/Cargo.toml", "dependencies", &[]),
    ("proto/Cargo.toml", "dependencies", &[]),
    ("proto/Cargo.toml", "dev-dependencies", &[]),
    ("clients/rust/Cargo.toml", "dependencies", &["stagedoor-proto"]),
    ("loadtest/Cargo.toml", "dependencies", &["stagedoor-proto", "stagedoor-client"]),
];

/// What the wire types and the pure modules must not know of.
const IMPURE: &[&str] =
    &["std::net::Tcp", "std::fs", "tokio::", "async fn", ".await", "SystemTime", "Instant::now"];

/// An import that points up or sideways.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Breach {
    file: PathBuf,
    line: usize,
    module: String,
    imported: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, module, imported } = self;
        write!(f, "{}:{line}: `{module}` may not import `{imported}`", file.display())
    }
}

#[test]
fn no_module_imports_up_or_sideways() {
    let breaches: Vec<String> = sources(&root().join("src"))
        .iter()
        .flat_map(|(file, text)| breaches(file, &module_of(file), text))
        .map(|breach| breach.to_string())
        .collect();
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn pure_modules_know_neither_async_nor_io_nor_the_time() {
    let pure = |module: &str| {
        [
            "address",
            "event_type",
            "grant",
            "idempotency",
            "rate_limit",
            "request",
            "revocation",
            "session",
            "room",
            "time",
        ]
        .contains(&module)
    };
    let mut files = sources(&root().join("proto/src"));
    files.extend(
        sources(&root().join("src")).into_iter().filter(|(file, _)| pure(&module_of(file))),
    );
    for (file, text) in files {
        for (number, line) in code_lines(&text) {
            for word in IMPURE {
                assert!(!line.contains(word), "{}:{number}: {word}", file.display());
            }
        }
    }
}

#[test]
fn no_crate_depends_on_one_above_it() {
    for (manifest, section, allowed) in CRATES {
        let text = std::fs::read_to_string(root().join(manifest)).unwrap();
        let table: toml::Table = text.parse().unwrap();
        let Some(section) = table.get(*section).and_then(toml::Value::as_table) else { continue };
        for name in section.keys().filter(|name| name.starts_with("stagedoor")) {
            assert!(allowed.contains(&name.as_str()), "{manifest} depends on {name}");
        }
    }
}

#[test]
fn a_bad_line_is_caught_in_every_form() {
    for (module, text, imported) in [
        ("session", "use crate::hub::Hub;", &["hub"][..]),
        ("store", "use crate::{auth::AuthHook, clock::Clock};", &["auth"]),
        (
            "store",
            "use crate::{\n    clock::{Clock, Rng},\n    engine,\n    hub::{\n        Hub,\n    },\n};",
            &["engine", "hub"],
        ),
        ("config", "let now = crate::clock::Clock::system();", &["clock"]),
        ("clock", "pub(crate) use crate::telemetry::field;", &["telemetry"]),
        ("http", "use crate::cli::Exit;", &["cli"]),
        ("main", "use stagedoor::{hub::Hub, cli::Cli};", &["hub"]),
        ("main", "use stagedoor::store;", &["store"]),
        ("newcomer", "use crate::grant::Grant;", &["grant"]),
    ] {
        let found = breaches(Path::new("a.rs"), module, text);
        let found: Vec<&str> = found.iter().map(|breach| breach.imported.as_str()).collect();
        let (found, imported): (BTreeSet<_>, BTreeSet<_>) =
            (found.into_iter().collect(), imported.iter().copied().collect());
        assert_eq!(found, imported, "{module}: {text}");
    }
}

#[test]
fn a_good_line_passes() {
    for (module, text) in [
        ("hub", "use crate::auth::AuthHook;\nuse crate::hub::registry::Registry;"),
        ("auth", "use crate::{grant::Grant, store::{Profile, hub}};"),
        ("config", "//! use crate::hub::Hub\n// crate::server"),
        ("main", "use stagedoor::server::Server;"),
        ("session", "let crate_name = \"crate\"; use super::ring;"),
    ] {
        assert_eq!(breaches(Path::new("a.rs"), module, text), [], "{module}: {text}");
    }
}

/// The imports of `text`, a file of `module`, that the table does not allow.
fn breaches(file: &Path, module: &str, text: &str) -> Vec<Breach> {
    let root = if module == "main" { "stagedoor::" } else { "crate::" };
    let mut code = String::new();
    for (_, line) in code_lines(text) {
        code.push_str(line);
        code.push('\n');
    }
    let mut breaches = Vec::new();
    for (at, _) in code.match_indices(root) {
        if code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_') {
            continue;
        }
        for imported in first_segments(&code[at + root.len()..]) {
            if imported != module && !is_allowed(module, imported) {
                let line = 1 + code[..at].matches('\n').count();
                breaches.push(Breach {
                    file: file.into(),
                    line,
                    module: module.into(),
                    imported: imported.into(),
                });
            }
        }
    }
    breaches
}

/// Whether `module` may import `imported`. A module that is in no layer imports nothing and is imported by none.
fn is_allowed(module: &str, imported: &str) -> bool {
    let layer_of = |name: &str| LAYERS.iter().position(|layer| layer.contains(&name));
    let (Some(own), Some(other)) = (layer_of(module), layer_of(imported)) else { return false };
    let narrow = NARROW.iter().find(|(name, _)| *name == module);
    narrow.is_none_or(|(_, allowed)| allowed.contains(&imported))
        && (other < own || BESIDE.contains(&(module, imported)))
}

/// The modules a path names first: one, or those of a group, whose own groups are not looked into.
fn first_segments(path: &str) -> Vec<&str> {
    let Some(group) = path.strip_prefix('{') else { return identifier(path).into_iter().collect() };
    let (mut depth, mut is_first, mut segments) = (0, true, Vec::new());
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => is_first = true,
            _ if is_first && !character.is_whitespace() => {
                segments.extend(identifier(&group[at..]));
                is_first = false;
            }
            _ => {}
        }
    }
    segments
}

/// The module name `text` begins with; types and functions of the root are none.
fn identifier(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let name = &text[..end];
    (name.starts_with(char::is_lowercase) && name != "self").then_some(name)
}

/// Lines without comments; blank ones keep the numbers right.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let without_comment = |line| if str::trim_start(line).starts_with("//") { "" } else { line };
    text.lines().enumerate().map(move |(index, line)| (index + 1, without_comment(line)))
}

/// Which module a file of `src/` belongs to.
fn module_of(file: &Path) -> String {
    let inside = file.strip_prefix(root().join("src")).expect("it is in src/");
    let first = inside.components().next().expect("it has a name").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// Every Rust file below `directory` and its text; `lib.rs` only lists modules.
fn sources(directory: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("it is a directory") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && path != root().join("src/lib.rs")
        {
            let text = std::fs::read_to_string(&path).expect("it is text");
            files.push((path, text));
        }
    }
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
