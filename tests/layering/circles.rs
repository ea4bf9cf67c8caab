//! Within a folder, files and folders import each other in one direction.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use crate::graph::{Circle, Crate, Module, circles};
use crate::{root, sources};

/// Where the crates of the workspace have their code.
const CODE: &[&str] = &["src", "proto/src", "clients/rust/src", "loadtest/src"];

#[test]
fn no_files_of_a_folder_import_each_other_in_a_circle() {
    let mut report = String::new();
    for code in CODE {
        for circle in circles(&read(code).arrows()) {
            let folder = [&[(*code).to_owned()], &*circle.folder].concat().join("/");
            print(&mut report, &folder, &circle);
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

/// The code below `folder` of the workspace, without the program that uses the library beside it.
pub(crate) fn read(folder: &str) -> Crate {
    let folder = root().join(folder);
    let files = sources(&folder);
    let is_program = |file: &Path| file == folder.join("main.rs") && folder.join("lib.rs").exists();
    let files = files.iter().filter(|(file, _)| !is_program(file));
    Crate::read(files.map(|(file, text)| (module_of(file, &folder), &**text)))
}

fn module_of(file: &Path, folder: &Path) -> Module {
    let inside = file.strip_prefix(folder).expect("it is below the folder").with_extension("");
    let mut module: Module =
        inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|name| ["mod", "lib", "main"].contains(&&**name)) {
        module.pop();
    }
    module
}

fn print(report: &mut String, folder: &str, circle: &Circle) {
    let members: Vec<_> = circle.members.iter().map(String::as_str).collect();
    writeln!(report, "{folder}: a circle of {}", members.join(", ")).expect("a string takes it");
    for ((from, to), names) in &circle.arrows {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let (from, to) = (in_folder(from), in_folder(to));
        writeln!(report, "  {from} -> {to}: {}", names.join(", ")).expect("a string takes it");
    }
}

fn in_folder(module: &Module) -> String {
    if module.is_empty() { "lib".into() } else { module.join("/") }
}

/// The arrows of a crate of these files, printed as `from -> to: name`.
fn arrows_of(files: &[(&str, &str)]) -> Vec<String> {
    let files = files.iter().map(|(module, text)| (path(module), *text));
    let arrows = Crate::read(files).arrows();
    let print = |((from, to), names): (&(Module, Module), &BTreeSet<String>)| {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        format!("{} -> {}: {}", from.join("::"), to.join("::"), names.join(" "))
    };
    arrows.iter().map(print).collect()
}

fn path(module: &str) -> Module {
    module.split("::").filter(|part| !part.is_empty()).map(ToOwned::to_owned).collect()
}

/// A folder `hub` whose module file re-exports `One` of its file `one`.
const MOD: (&str, &str) =
    ("hub", "mod one; mod two; pub(crate) use one::One; pub(crate) struct Hub;");

#[test]
fn an_import_is_seen_in_every_form() {
    for text in [
        "use super::one::One;",
        "use super::One;",
        "use super::{Missing, One as Other};",
        "use super::{one::{self, One}};",
        "use crate::hub::one::One;",
        "use crate::{hub::{One}};",
        "use super::super::hub::One;",
        "use self::super::one::One;",
        "pub(crate) use super::one::One;",
        "fn f(_: super::one::One) {}",
        "fn f() { let _ = crate::hub::One::new(); }",
        "use super::one; fn f() { one::One::new() }",
        "use crate::hub; fn f() { hub::One::new() }",
        "use super::*; fn f(one: &One) {}",
        "use super::one::*; fn f(one: &One) {}",
        "fn f() { assert!(matches!(g(), super::One(_))); }",
        "fn f() { use super::One; One::new() }",
        "mod inline { use super::super::One; }",
        "mod inline { fn f() -> crate::hub::One {} }",
        "impl super::one::One { fn f() {} }",
        "use super::One::{A, B};",
    ] {
        let arrows = arrows_of(&[MOD, ("hub::one", "pub(crate) struct One;"), ("hub::two", text)]);
        assert!(arrows.contains(&"hub::two -> hub::one: One".into()), "{text}: {arrows:?}");
    }
}

#[test]
fn what_is_no_import_is_not_seen() {
    for text in [
        "// use super::one::One;",
        "/// See [`One`](super::one::One).\nfn f() {}",
        "fn f() { g(\"super::one::One\") }",
        "#[cfg(test)] mod tests { use super::super::one::One; }",
        "#[cfg(test)] use super::one::One;",
        "use other::one::One;",
        "fn one() { self::one() } fn f() { one() }",
        "use super::two::Two;",
    ] {
        let arrows = arrows_of(&[MOD, ("hub::one", "pub struct One;"), ("hub::two", text)]);
        assert_eq!(arrows, Vec::<String>::new(), "{text}");
    }
}

#[test]
fn passing_a_name_on_is_no_import_and_using_it_is() {
    let one = ("hub::one", "pub(crate) struct One;");
    assert_eq!(arrows_of(&[MOD, one]), Vec::<String>::new());
    let using = ("hub", "pub(crate) use one::One; pub(crate) struct Hub { one: One }");
    assert_eq!(arrows_of(&[using, one]), ["hub -> hub::one: One"]);
}

#[test]
fn tests_in_files_of_their_own_are_left_out() {
    let files = [
        ("hub", "//! All.\n#[cfg(test)] mod tests; pub(crate) struct Hub;"),
        ("hub::tests", "use super::Hub; use super::inner::Inner;"),
        ("hub::inner", "pub(super) struct Inner;"),
    ];
    assert_eq!(arrows_of(&files), Vec::<String>::new());
}

#[test]
fn a_circle_is_found_through_folders() {
    let files = [
        ("a", "mod inside;"),
        ("a::inside", "use crate::b::B; pub(crate) struct Inside;"),
        ("b", "pub(crate) struct B; use crate::c::C;"),
        ("c", "pub(crate) struct C; fn f() { crate::a::inside::Inside }"),
        ("d", "use crate::a::inside::Inside;"),
    ];
    let files = files.iter().map(|(module, text)| (path(module), *text));
    let found = circles(&Crate::read(files).arrows());
    let [circle] = &*found else { panic!("one circle: {found:?}") };
    assert_eq!(circle.folder, Module::new());
    assert_eq!(circle.members.iter().map(String::as_str).collect::<Vec<_>>(), ["a", "b", "c"]);
    let mut report = String::new();
    print(&mut report, "src", circle);
    let expected =
        "src: a circle of a, b, c\n  a/inside -> b: B\n  b -> c: C\n  c -> a/inside: Inside\n";
    assert_eq!(report, expected);
}

#[test]
fn a_folder_and_its_own_file_can_be_a_circle() {
    let files = [
        ("hub", "pub(crate) struct Hub { one: one::One }"),
        ("hub::one", "use super::Hub; struct One;"),
    ];
    let files = files.iter().map(|(module, text)| (path(module), *text));
    let found = circles(&Crate::read(files).arrows());
    let [circle] = &*found else { panic!("one circle: {found:?}") };
    assert_eq!((&*circle.folder, circle.members.len()), (&*path("hub"), 2));
}
