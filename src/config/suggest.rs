//! Suggestions for misspelled names.

/// The names in backquotes, as a choice: "`a`", "`a` or `b`", "one of `a`, `b`, `c`".
#[must_use]
pub fn one_of(names: &[&str]) -> String {
    match names {
        [one] => format!("`{one}`"),
        [one, other] => format!("`{one}` or `{other}`"),
        more => format!("one of `{}`", more.join("`, `")),
    }
}

/// The text in backquotes behind `start`.
pub(super) fn quoted<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.strip_prefix('`')?.split('`').next()
}

/// Prepends the name in `allowed` that is closest to `found`, if any of several is close.
pub(super) fn with_suggestion(found: &str, allowed: &str) -> String {
    let names: Vec<_> = allowed.split('`').skip(1).step_by(2).collect();
    if names.len() == 1 {
        return allowed.to_owned();
    }
    let closest = names.into_iter().map(|name| (distance(found, name), name)).min();
    match closest {
        Some((steps, name)) if steps <= 1 + found.len() / 4 => format!("`{name}`? ({allowed})"),
        Some(_) | None => allowed.to_owned(),
    }
}

/// The edit distance (Levenshtein) between `a` and `b`, in characters.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.chars().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[row.len() - 1]
}
