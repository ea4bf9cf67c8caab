//! Reads a Rust file: what it defines, what it imports, and the paths and names its code mentions. Tests are left out.
//!
//! It works on tokens, so that what stands inside a macro call is read like all else.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One file of a crate.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// Types, traits, functions, constants, macros and inline modules.
    pub(crate) defined: BTreeSet<String>,
    pub(crate) imports: Vec<Import>,
    /// Paths in code that have two segments or more.
    pub(crate) paths: BTreeSet<Vec<String>>,
    /// The first segment of every path in code, also of those that have no other.
    pub(crate) names: BTreeSet<String>,
    /// The methods of inherent impls that others may call, each with the name of its type.
    pub(crate) methods: Vec<(String, String)>,
    /// Modules in files of their own that are compiled for tests only.
    pub(crate) test_modules: BTreeSet<String>,
}

/// One name that a `use` brings in; that of a glob is `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    pub(crate) name: String,
    /// Whether others may import the name from here.
    pub(crate) is_public: bool,
}

impl Source {
    pub(crate) fn read(text: &str) -> Self {
        let tokens: TokenStream = text.parse().expect("the file is Rust");
        Self::of_items(tokens)
    }

    fn of_items(tokens: TokenStream) -> Self {
        let mut source = Self::default();
        for item in items(&tokens.into_iter().collect::<Vec<_>>()) {
            source.read_item(item);
        }
        source
    }

    fn read_item(&mut self, item: &[TokenTree]) {
        let at = item.iter().position(|token| KEYWORDS.contains(&&*token.to_string()));
        let Some((before, keyword, after)) =
            at.map(|at| (&item[..at], item[at].to_string(), &item[at + 1..]))
        else {
            return self.read_code(item);
        };
        let name = after.iter().find_map(|token| match token {
            TokenTree::Ident(name) if !KEYWORDS.contains(&&*name.to_string()) => {
                Some(name.to_string())
            }
            TokenTree::Ident(_)
            | TokenTree::Group(_)
            | TokenTree::Punct(_)
            | TokenTree::Literal(_) => None,
        });
        match (&*keyword, name, item.last()) {
            ("mod", Some(name), _) if is_test(item) => drop(self.test_modules.insert(name)),
            _ if is_test(item) => {}
            ("use", ..) => {
                let is_public = before.iter().any(|token| token.to_string() == "pub");
                self.read_use(after, &mut Vec::new(), is_public);
            }
            ("mod", Some(name), Some(TokenTree::Group(body))) => {
                self.defined.insert(name);
                self.add_inline(Self::of_items(body.stream()));
            }
            ("mod", ..) => {}
            ("impl", _, Some(TokenTree::Group(body))) => {
                if let Some(name) = inherent_type(after) {
                    self.read_methods(&name, &body.stream().into_iter().collect::<Vec<_>>());
                }
                self.read_code(item);
            }
            (_, name, _) => {
                self.defined.extend(name);
                self.read_code(item);
            }
        }
    }

    /// Takes over what an inline module mentions outside itself.
    fn add_inline(&mut self, inside: Self) {
        self.names.extend(inside.names);
        self.paths.extend(inside.paths.iter().filter_map(|path| seen_from_outside(path)));
        self.paths
            .extend(inside.imports.iter().filter_map(|import| seen_from_outside(&import.path)));
        self.methods.extend(inside.methods);
    }

    /// Reads a tree of imports, whose paths begin with `before`.
    fn read_use(&mut self, tree: &[TokenTree], before: &mut Vec<String>, is_public: bool) {
        let (length, mut alias) = (before.len(), None);
        let mut tokens = tree.iter();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(word) if *word == "as" => {
                    alias = tokens.next().map(ToString::to_string);
                }
                TokenTree::Ident(word) => before.push(word.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == '*' => before.push("*".into()),
                TokenTree::Group(group) => {
                    let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                    for part in inside.split(|token| token.to_string() == ",") {
                        self.read_use(part, before, is_public);
                    }
                    return before.truncate(length);
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
        let mut path = before.clone();
        before.truncate(length);
        let Some(last) = path.pop().filter(|_| !tree.is_empty()) else { return };
        // `a::{self}` brings in `a`.
        let name =
            if last == "self" { path.last().cloned().unwrap_or_default() } else { last.clone() };
        if last != "self" && last != "*" {
            path.push(last);
        }
        self.imports.push(Import { path, name: alias.unwrap_or(name), is_public });
    }

    fn read_code(&mut self, tokens: &[TokenTree]) {
        let (mut path, mut at) = (Vec::new(), 0);
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Ident(word) if *word == "use" && is_statement(&tokens[at..]) => {
                    let length = item_length(&tokens[at..]);
                    self.read_use(&tokens[at + 1..at + length], &mut Vec::new(), false);
                    at += length;
                    continue;
                }
                TokenTree::Ident(word) => {
                    if !follows_colons(&tokens[..at]) {
                        self.end_path(&mut path);
                    }
                    path.push(word.to_string());
                }
                TokenTree::Group(group) => {
                    self.end_path(&mut path);
                    let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                    if is_braces(&tokens[at]) {
                        let untested = items(&inside).filter(|item| !is_test(item));
                        self.read_code(&untested.flatten().cloned().collect::<Vec<_>>());
                    } else {
                        self.read_code(&inside);
                    }
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {}
                TokenTree::Punct(_) | TokenTree::Literal(_) => self.end_path(&mut path),
            }
            at += 1;
        }
        self.end_path(&mut path);
    }

    fn end_path(&mut self, path: &mut Vec<String>) {
        self.names.extend(path.first().cloned());
        if path.len() > 1 {
            self.paths.insert(std::mem::take(path));
        }
        path.clear();
    }

    fn read_methods(&mut self, type_name: &str, body: &[TokenTree]) {
        for item in items(body).filter(|item| !is_test(item)) {
            let head = item.iter().take_while(|token| !is_braces(token));
            let is_public = head.clone().any(|token| token.to_string() == "pub");
            let name = head.skip_while(|token| token.to_string() != "fn").nth(1);
            if let (true, Some(name)) = (is_public, name) {
                self.methods.push((type_name.to_owned(), name.to_string()));
            }
        }
    }
}

/// The items that `tokens` are made of, or the statements.
fn items(tokens: &[TokenTree]) -> impl Iterator<Item = &[TokenTree]> {
    let mut rest = tokens;
    std::iter::from_fn(move || {
        let (item, after) =
            rest.split_at_checked(item_length(rest)).filter(|(item, _)| !item.is_empty())?;
        rest = after;
        Some(item)
    })
}

/// How many tokens the first item takes: up to its semicolon or its body in braces.
fn item_length(tokens: &[TokenTree]) -> usize {
    let keyword = tokens.iter().take_while(|token| !is_braces(token)).find_map(|token| {
        let word = token.to_string();
        KEYWORDS.contains(&&*word).then_some(word)
    });
    // The braces of a `use` are a list.
    let has_body = keyword.is_none_or(|keyword| keyword != "use");
    let is_end = |token: &TokenTree| is_semicolon(token) || has_body && is_braces(token);
    let end = tokens.iter().position(is_end).map_or(tokens.len(), |end| end + 1);
    // `const A: B = B { … };`
    end + usize::from(tokens.get(end).is_some_and(is_semicolon))
}

fn is_braces(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

fn is_semicolon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ';')
}

/// Whether the item is compiled for tests only.
fn is_test(mut item: &[TokenTree]) -> bool {
    // What is said of the file, `#![…]` and `//!`, stands before its first item.
    while let [_, TokenTree::Punct(inner), TokenTree::Group(_), rest @ ..] = item
        && inner.as_char() == '!'
    {
        item = rest;
    }
    item.chunks_exact(2)
        .map_while(|pair| match pair {
            [TokenTree::Punct(hash), TokenTree::Group(attribute)] if hash.as_char() == '#' => {
                Some(attribute.stream().to_string().replace(' ', ""))
            }
            _ => None,
        })
        .any(|attribute| attribute.starts_with("cfg(test") || attribute.ends_with("test"))
}

/// Whether a `use` begins a statement, and is no part of a bound like `impl Trait + use<>`.
fn is_statement(tokens: &[TokenTree]) -> bool {
    matches!(tokens.get(1), Some(TokenTree::Ident(_)))
}

fn follows_colons(before: &[TokenTree]) -> bool {
    before.len() >= 2 && before[before.len() - 2..].iter().all(|token| token.to_string() == ":")
}

/// The type of an inherent impl by what stands before its braces; `None` for the impl of a trait.
fn inherent_type(head: &[TokenTree]) -> Option<String> {
    let (mut depth, mut name) = (0, None);
    let mut tokens = head[..head.len() - 1].iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '<' => depth += 1,
            TokenTree::Punct(punct) if punct.as_char() == '>' => depth -= 1,
            TokenTree::Ident(word) if depth == 0 && *word == "for" => return None,
            TokenTree::Ident(word) if depth == 0 && *word == "where" => break,
            TokenTree::Ident(word) if depth == 0 && name.is_none() => {
                let goes_on = tokens.peek().is_some_and(|next| next.to_string() == ":");
                name = (!goes_on).then(|| word.to_string());
            }
            TokenTree::Ident(_)
            | TokenTree::Group(_)
            | TokenTree::Punct(_)
            | TokenTree::Literal(_) => {}
        }
    }
    name
}

/// A path of an inline module as the file around it would write it; `None` for what is the module's own.
fn seen_from_outside(path: &[String]) -> Option<Vec<String>> {
    match &*path[0] {
        "crate" => Some(path.to_vec()),
        "super" if path.get(1).is_some_and(|next| next == "super") => Some(path[1..].to_vec()),
        "super" => Some(["self".to_owned()].into_iter().chain(path[1..].iter().cloned()).collect()),
        _ => None,
    }
}

const KEYWORDS: &[&str] = &[
    "use",
    "mod",
    "struct",
    "enum",
    "union",
    "trait",
    "fn",
    "const",
    "static",
    "type",
    "impl",
    "macro_rules",
];
