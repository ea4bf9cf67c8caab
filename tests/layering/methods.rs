//! A type with more than 25 public methods is two types.

use std::collections::{BTreeMap, BTreeSet};

use crate::circles::read;
use crate::graph::Crate;

/// How many methods of a type may be called from other modules; implementing a trait does not count.
const MAX_PUBLIC_METHODS: usize = 25;

#[test]
fn no_type_has_more_than_25_public_methods() {
    let large = large_types(&read("src"));
    assert!(large.is_empty(), "have too many public methods: {large:?}");
}

/// The types with too many public methods in all their impls, and how many they have.
fn large_types(code: &Crate) -> BTreeMap<String, usize> {
    let mut methods: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for (module, source) in code.files() {
        for (type_name, method) in &source.methods {
            let defined = code.resolve(module, std::slice::from_ref(type_name), 0);
            let defined = defined.unwrap_or_else(|| (module.clone(), type_name.clone()));
            methods.entry(defined).or_default().insert(method);
        }
    }
    let counted = methods.into_iter().map(|((_, name), methods)| (name, methods.len()));
    counted.filter(|(_, count)| *count > MAX_PUBLIC_METHODS).collect()
}

#[test]
fn methods_of_a_type_are_counted_over_all_files() {
    let method = |visibility: &str, number| format!("{visibility} const fn m{number}(&self) {{}}");
    let methods = |visibility: &str, from: usize, to: usize| -> String {
        (from..to).map(|number| method(visibility, number)).collect()
    };
    let hub = format!(
        "mod rooms; mod other; pub struct Hub<T>(T); impl<T: Into<u8>> Hub<T> {{ {} }}",
        methods("pub(in crate::a)", 0, 20)
    );
    let rooms = |count| {
        format!(
            "use super::Hub; impl<T> Hub<T> where T: Copy {{ {} {} #[cfg(test)] pub fn t() {{}} }}
             impl Clone for Hub {{ pub fn clone() {{}} }}",
            methods("pub(super)", 20, count),
            methods("", 50, 90),
        )
    };
    let other = format!("struct Hub; impl Hub {{ {} }}", methods("pub", 0, 20));
    for (count, expected) in [(25, None), (26, Some(26))] {
        let rooms = rooms(count);
        let files = [("hub", &hub), ("hub::rooms", &rooms), ("hub::other", &other)];
        let files = files.map(|(module, text)| {
            (module.split("::").map(ToOwned::to_owned).collect(), text.as_str())
        });
        assert_eq!(large_types(&Crate::read(files)).get("Hub").copied(), expected);
    }
}
