//! The files of the repository that people write, and the parts of them that the rules apply to.

use std::fs;
use std::path::{Path, PathBuf};

/// Extensions of the files that are read.
const EXTENSIONS: &[&str] = &[
    "conf", "css", "html", "js", "json", "md", "py", "rs", "service", "sh", "sql", "toml", "ts",
    "tsx", "yaml", "yml",
];
/// Files without an extension that are read.
const NAMES: &[&str] = &["Dockerfile", "Makefile"];
/// Folders of dependencies and build results.
const FOREIGN: &[&str] = &["dist", "node_modules", "target"];
/// This checker, and what is generated from checked sources.
const EXEMPT: &[&str] = &[
    "clients/typescript/packages/client/src/wire/protocol.ts",
    "clients/typescript/packages/server/src/openapi.ts",
    "docs/config.schema.json",
    "docs/openapi.json",
    "proto/schema",
    "tests/language",
];

/// A file of the repository.
pub(crate) struct File {
    /// Relative to the root of the repository.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl File {
    /// The comments of a source file, or the paragraphs of a document, by line from 1.
    ///
    /// Tables, links and code blocks of a document are not included: they cannot be wrapped.
    pub(crate) fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let extension = self.extension();
        let mut is_code = false;
        self.numbered_lines().filter(move |(_, line)| {
            let start = line.trim_start();
            if extension == "md" {
                is_code ^= start.starts_with("```");
                return !is_code && !start.starts_with('|') && !line.contains("](");
            }
            comment_markers(extension).iter().any(|marker| start.starts_with(marker))
        })
    }

    /// The names of Rust tests, by line from 1.
    pub(crate) fn test_names(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut is_test = false;
        let is_rust = self.extension() == "rs";
        self.numbered_lines().filter(move |_| is_rust).filter_map(move |(number, line)| {
            let line = line.trim_start();
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            let name = function_name(line)?;
            std::mem::take(&mut is_test).then_some((number, name))
        })
    }

    fn numbered_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    fn extension(&self) -> &str {
        self.path.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
    }

    /// Whether it is a decision record that a later one replaced.
    fn is_superseded(&self) -> bool {
        self.path.starts_with("docs/adr")
            && self.text.lines().take(8).any(|line| line.contains("Superseded by"))
    }
}

/// What a comment line starts with in files of this extension.
fn comment_markers(extension: &str) -> &'static [&'static str] {
    match extension {
        "rs" | "ts" | "tsx" | "js" => &["//", "/*", "* "],
        "py" | "sh" | "toml" | "yaml" | "yml" | "conf" | "service" => &["#"],
        "sql" => &["--"],
        _ => &[],
    }
}

/// The name of the function that `line` begins to define.
fn function_name(line: &str) -> Option<&str> {
    let definition = ["fn ", "async fn ", "pub(super) async fn "]
        .iter()
        .find_map(|start| line.strip_prefix(start));
    definition?.split(['(', '<']).next()
}

/// Every checked file, in the order of the paths.
pub(crate) fn all() -> Vec<File> {
    let mut paths = Vec::new();
    collect(Path::new(""), &mut paths);
    paths.sort();
    paths.into_iter().map(read).filter(|file| !file.is_superseded()).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root().join(folder)).expect("a folder can be read") {
        let entry = entry.expect("a folder can be read");
        let name = entry.file_name().into_string().expect("names are UTF-8");
        let path = folder.join(&name);
        if EXEMPT.iter().any(|exempt| path == Path::new(exempt)) {
            continue;
        }
        let is_folder = entry.file_type().expect("an entry has a type").is_dir();
        if is_folder && !name.starts_with('.') && !FOREIGN.contains(&name.as_str()) {
            collect(&path, paths);
        } else if !is_folder && is_checked(&path, &name) {
            paths.push(path);
        }
    }
}

fn is_checked(path: &Path, name: &str) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    NAMES.contains(&name) || extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}

fn read(path: PathBuf) -> File {
    let text = fs::read_to_string(root().join(&path))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    File { path, text }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.to_owned() }
    }

    #[test]
    fn comments_are_the_prose_of_a_source_file() {
        let file = file("a.rs", "//! Head.\nfn a() {} // no line of its own\n    /// Doc.\n");
        assert_eq!(file.prose().collect::<Vec<_>>(), [(1, "//! Head."), (3, "    /// Doc.")]);
    }

    #[test]
    fn tables_links_and_code_of_documents_may_be_long() {
        let file = file("a.md", "Text.\n| a | b |\n```sh\nls\n```\n[a](b)\nMore.");
        let lines: Vec<_> = file.prose().map(|(line, _)| line).collect();
        assert_eq!(lines, [1, 5, 7]);
    }

    #[test]
    fn only_test_functions_are_named_as_tests() {
        let text = "#[test]\nfn one() {}\nfn helper() {}\n#[tokio::test]\nasync fn two() {}\n";
        assert_eq!(file("a.rs", text).test_names().collect::<Vec<_>>(), [(2, "one"), (5, "two")]);
        assert_eq!(file("a.md", text).test_names().count(), 0);
    }

    #[test]
    fn superseded_decisions_are_recognized() {
        let text = "# 3\n\nStatus: Superseded by 7.\n";
        assert!(file("docs/adr/0003-a.md", text).is_superseded());
        assert!(!file("docs/protocol.md", text).is_superseded());
        assert!(!file("docs/adr/0004-b.md", "# 4\n\nStatus: Accepted.\n").is_superseded());
    }
}
