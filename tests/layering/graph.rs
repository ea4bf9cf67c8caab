//! Which file of a crate takes names from which: every import and path led to the file that defines what it names.
//!
//! A name that a module merely passes on counts as taken from where it is defined.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Import, Source};

/// A module's path from the root of its crate.
pub(crate) type Module = Vec<String>;

/// The files of a crate by module.
#[derive(Debug, Default)]
pub(crate) struct Crate {
    files: BTreeMap<Module, Source>,
}

/// The names each file takes from others.
pub(crate) type Arrows = BTreeMap<(Module, Module), BTreeSet<String>>;

impl Crate {
    /// Reads files, each with its module.
    pub(crate) fn read<'a>(files: impl IntoIterator<Item = (Module, &'a str)>) -> Self {
        let mut files: BTreeMap<Module, Source> =
            files.into_iter().map(|(module, text)| (module, Source::read(text))).collect();
        let test_modules: Vec<Module> = (files.iter())
            .flat_map(|(module, source)| {
                source
                    .test_modules
                    .iter()
                    .map(|name| module.iter().chain([name]).cloned().collect())
            })
            .collect();
        files.retain(|module, _| !test_modules.iter().any(|tests| module.starts_with(tests)));
        Self { files }
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&Module, &Source)> {
        self.files.iter()
    }

    /// Every arrow between two files.
    pub(crate) fn arrows(&self) -> Arrows {
        let mut arrows = Arrows::new();
        for (module, source) in &self.files {
            for path in taken(module, source) {
                let Some((from, name)) = self.resolve(module, &path, 0) else { continue };
                if from != *module {
                    arrows.entry((module.clone(), from)).or_default().insert(name);
                }
            }
            for glob in source.imports.iter().filter(|import| import.name == "*") {
                for name in &source.names {
                    let path: Vec<String> = glob.path.iter().chain([name]).cloned().collect();
                    let found = self.resolve(module, &path, 0);
                    let found =
                        found.filter(|(from, name)| self.files[from].defined.contains(name));
                    let Some((from, name)) = found else { continue };
                    if from != *module && !source.defined.contains(&name) {
                        arrows.entry((module.clone(), from)).or_default().insert(name);
                    }
                }
            }
        }
        arrows
    }

    /// The module and name of what `path` names in `module`; `None` where that is another crate's, or a module.
    pub(crate) fn resolve(
        &self,
        module: &[String],
        path: &[String],
        depth: usize,
    ) -> Option<(Module, String)> {
        if depth > MAX_RE_EXPORTS {
            return None;
        }
        let mut at = module.to_vec();
        let mut segments = path.iter().peekable();
        while let Some(word) = segments.peek() {
            match word.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => drop(at.pop()),
                _ => break,
            }
            segments.next();
        }
        let is_anchored = segments.len() < path.len();
        let mut is_first = true;
        while let Some(name) = segments.next() {
            let child: Module = at.iter().chain([name]).cloned().collect();
            if self.files.contains_key(&child) {
                (at, is_first) = (child, false);
                continue;
            }
            let source = self.files.get(&at)?;
            if source.defined.contains(name) {
                return Some((at, name.clone()));
            }
            let rest = || segments.clone().cloned();
            let named = source
                .imports
                .iter()
                .find(|import| import.name == *name && import.path != [name.clone()]);
            if let Some(import) = named {
                let path: Vec<String> = import.path.iter().cloned().chain(rest()).collect();
                return self.resolve(&at, &path, depth + 1);
            }
            let globs = source.imports.iter().filter(|import| import.name == "*");
            let through = globs.filter(|glob| glob.is_public || is_first).find_map(|glob| {
                let path: Vec<String> =
                    glob.path.iter().cloned().chain([name.clone()]).chain(rest()).collect();
                let found = self.resolve(&at, &path, depth + 1);
                found.filter(|(from, name)| self.files[from].defined.contains(name))
            });
            if through.is_some() {
                return through;
            }
            // A name that a macro defines; without an anchor it is another crate's.
            return (is_anchored || !is_first).then(|| (at, name.clone()));
        }
        None
    }
}

/// The paths of what a file takes from elsewhere, and does not merely pass on.
fn taken(module: &Module, source: &Source) -> Vec<Vec<String>> {
    let is_passed_on = |import: &Import| {
        import.is_public
            && !source.names.contains(&import.name)
            && leads_inside(module, &import.path)
    };
    let imports =
        source.imports.iter().filter(|import| import.name != "*" && !is_passed_on(import));
    imports.map(|import| import.path.clone()).chain(source.paths.iter().cloned()).collect()
}

/// Whether a path in `module` leads into it, and not to its siblings.
fn leads_inside(module: &Module, path: &[String]) -> bool {
    match &*path[0] {
        "super" => false,
        "crate" => path.len() > module.len() && path[1..].starts_with(module),
        _ => true,
    }
}

/// How often a name may be passed on; more is a re-export of itself.
const MAX_RE_EXPORTS: usize = 16;

/// Modules of one folder that take names from each other in a circle, and by which arrows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Circle {
    /// The folder's module.
    pub(crate) folder: Module,
    /// Its files and folders in the circle, by name; the folder's own file is `mod`.
    pub(crate) members: BTreeSet<String>,
    pub(crate) arrows: Arrows,
}

/// The circles among the files and folders of each folder.
pub(crate) fn circles(arrows: &Arrows) -> Vec<Circle> {
    let folders: BTreeSet<Module> = arrows.keys().map(|(from, to)| common(from, to)).collect();
    let mut circles = Vec::new();
    for folder in folders {
        let mut graph: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (from, to) in arrows.keys() {
            if let (Some(from), Some(to)) = (member_of(&folder, from), member_of(&folder, to))
                && from != to
            {
                graph.entry(from).or_default().insert(to);
            }
        }
        for members in components(&graph) {
            let inside = arrows.iter().filter(|((from, to), _)| {
                let ends = member_of(&folder, from).zip(member_of(&folder, to));
                ends.is_some_and(|(from, to)| {
                    from != to && members.contains(from) && members.contains(to)
                })
            });
            circles.push(Circle {
                arrows: inside.map(|(ends, names)| (ends.clone(), names.clone())).collect(),
                folder: folder.clone(),
                members: members.iter().map(ToString::to_string).collect(),
            });
        }
    }
    circles
}

/// The file or folder of `folder` that a module belongs to.
fn member_of<'a>(folder: &Module, module: &'a Module) -> Option<&'a str> {
    module.starts_with(folder).then(|| module.get(folder.len()).map_or("mod", String::as_str))
}

fn common(one: &Module, other: &Module) -> Module {
    one.iter()
        .zip(other)
        .take_while(|(one, other)| one == other)
        .map(|(one, _)| one.clone())
        .collect()
}

/// The sets of more than one node of which each reaches all others.
fn components<'a>(graph: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<BTreeSet<&'a str>> {
    let mut found: BTreeSet<BTreeSet<&str>> = BTreeSet::new();
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        graph.keys().map(|node| (*node, reachable(graph, node))).collect();
    for (node, all) in &reached {
        let back = |other: &&&str| reached.get(**other).is_some_and(|all| all.contains(node));
        let circle: BTreeSet<&str> = all.iter().filter(back).copied().collect();
        if circle.len() > 1 {
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}

fn reachable<'a>(graph: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let (mut seen, mut ahead) = (BTreeSet::new(), vec![from]);
    while let Some(node) = ahead.pop() {
        for next in graph.get(node).into_iter().flatten() {
            if seen.insert(*next) {
                ahead.push(next);
            }
        }
    }
    seen
}
