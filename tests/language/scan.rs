//! A text as a stream of words, and the phrases of a list that occur in it.

/// A phrase of the list.
#[derive(Debug)]
pub(crate) struct Phrase<'a> {
    words: Vec<&'a str>,
    /// What to write instead.
    pub(crate) suggestion: &'a str,
}

/// An occurrence of a phrase.
pub(crate) struct Hit<'t, 'p> {
    /// The line it begins on, from 1.
    pub(crate) line: usize,
    /// The text that matched, as written.
    pub(crate) text: &'t str,
    pub(crate) phrase: &'p Phrase<'p>,
}

/// A word of a text: bytes `start..end`.
#[derive(Clone, Copy)]
struct Word {
    start: usize,
    end: usize,
}

impl<'a> Phrase<'a> {
    /// The phrases of a list with a row `phrase | suggestion` each. Rows that begin with `#` are comments.
    pub(crate) fn parse_list(list: &'a str) -> Vec<Self> {
        let rows = list.lines().filter(|row| !row.is_empty() && !row.starts_with('#'));
        rows.map(|row| {
            let (phrase, suggestion) = row
                .split_once('|')
                .unwrap_or_else(|| panic!("{row:?}, expected `phrase | suggestion`"));
            Self { words: phrase.split_whitespace().collect(), suggestion: suggestion.trim() }
        })
        .collect()
    }

    /// Whether `words` of `text` are this phrase, in any case, with nothing between them that ends a phrase.
    fn matches(&self, text: &str, words: &[Word]) -> bool {
        let is_same = |(word, listed): (&Word, &&str)| {
            text[word.start..word.end].eq_ignore_ascii_case(listed)
        };
        words.iter().zip(&self.words).all(is_same)
            && words.windows(2).all(|pair| is_gap(&text[pair[0].end..pair[1].start]))
    }
}

/// Every occurrence of `phrases` in `text`, in order.
pub(crate) fn find<'t, 'p>(
    text: &'t str,
    phrases: &'p [Phrase<'p>],
) -> impl Iterator<Item = Hit<'t, 'p>> {
    let words = words(text);
    let mut line = 1;
    let mut counted = 0;
    (0..words.len()).flat_map(move |first| {
        line += text[counted..words[first].start].matches('\n').count();
        counted = words[first].start;
        let hits = phrases.iter().filter_map(|phrase| {
            let found = words.get(first..first + phrase.words.len())?;
            let is_hit = phrase.matches(text, found) && !is_distinguishing(text, &words, first);
            let span = found[0].start..found[found.len() - 1].end;
            is_hit.then(|| Hit { line, text: &text[span], phrase })
        });
        hits.collect::<Vec<_>>()
    })
}

/// Whether the word at `at` is the verb of "tell … apart", which is the plain word for distinguishing.
fn is_distinguishing(text: &str, words: &[Word], at: usize) -> bool {
    let is_one_of = |word: &Word, listed: &[&str]| {
        listed.iter().any(|listed| text[word.start..word.end].eq_ignore_ascii_case(listed))
    };
    is_one_of(&words[at], &["tell", "tells", "telling", "told"])
        && words[at + 1..].iter().take(4).any(|word| is_one_of(word, &["apart"]))
}

/// Whether words with `gap` between them belong to one phrase: parts of an identifier, or of a sentence, which may be
/// wrapped in a comment or in a string.
fn is_gap(gap: &str) -> bool {
    gap.chars().all(|c| c.is_whitespace() || "_-/!#*\\".contains(c))
        && gap.matches('\n').count() <= 1
}

/// Runs of letters, split where an identifier has a new word: `takeUp`, `TakeUp`, `TAKE_UP` and `take_up` have two.
fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    let mut before = None;
    let mut letters = text.char_indices().peekable();
    while let Some((at, c)) = letters.next() {
        let after = letters.peek().map(|(_, next)| *next);
        if let Some(first) = start
            && (!c.is_alphabetic() || begins_word(before, c, after))
        {
            words.push(Word { start: first, end: at });
            start = None;
        }
        if c.is_alphabetic() {
            start.get_or_insert(at);
        }
        before = Some(c);
    }
    words.extend(start.map(|start| Word { start, end: text.len() }));
    words
}

/// Whether the letter `c` begins another word than the letter before it: the `U` of `takeUp`, the second `T` of `TCPTook`.
fn begins_word(before: Option<char>, c: char, after: Option<char>) -> bool {
    let ends_capitals = after.is_some_and(char::is_lowercase);
    c.is_uppercase() && before.is_some_and(|before| before.is_lowercase() || ends_capitals)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str =
        "# A comment.\n\ntold | sent\ntake up | resume\nat will | always\ntell | send\n";

    fn found(text: &str) -> Vec<(usize, String)> {
        let phrases = Phrase::parse_list(LIST);
        find(text, &phrases).map(|hit| (hit.line, hit.text.to_owned())).collect()
    }

    #[test]
    fn words_are_found_in_names_strings_and_prose() {
        for (text, expected) in [
            ("fn has_told() {}", "told"),
            ("struct UserTold;", "Told"),
            ("const TOLD: u8 = 1;", "TOLD"),
            ("type TCPTold = u8;", "Told"),
            ("info!(\"it was told\")", "told"),
            ("fn takeUp()", "takeUp"),
            ("struct TakeUp;", "TakeUp"),
            ("const TAKE_UP: u8 = 1;", "TAKE_UP"),
            ("Sessions take up space.", "take up"),
        ] {
            assert_eq!(found(text), [(1, expected.to_owned())], "{text}");
        }
    }

    #[test]
    fn phrases_are_found_across_wrapped_lines() {
        for text in
            ["\n// take\n// up", "\n//! take\n//! up", "\n * take\n * up", "\n\"take \\\n  up\""]
        {
            let lines: Vec<usize> = found(text).into_iter().map(|(line, _)| line).collect();
            assert_eq!(lines, [2], "{text}");
        }
    }

    #[test]
    fn every_occurrence_is_found_with_its_line() {
        let hits = found("told, tell\n\ntake up\ntold");
        let lines: Vec<usize> = hits.into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [1, 1, 3, 4]);
    }

    #[test]
    fn other_words_pass() {
        for text in
            ["untold2 stolen", "take. Up", "take\n\nup", "atoll", "tell them apart", "intellect"]
        {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    #[should_panic(expected = "\"told\", expected `phrase | suggestion`")]
    fn rows_without_a_suggestion_are_rejected() {
        Phrase::parse_list("told");
    }
}
