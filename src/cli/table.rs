//! Tables and records as aligned text, one line per row, without terminal control characters.

use std::fmt::Write as _;
use std::io;

use serde_json::Value;
use stagedoor_proto::Timestamp;

/// A column of a table, or a line of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    title: &'static str,
    /// The JSON pointer to the value in an item. Source: RFC 6901.
    pointer: &'static str,
    format: CellFormat,
}

#[derive(Clone, Copy, Debug)]
enum CellFormat {
    Plain,
    Time,
}

impl Column {
    pub(super) const fn plain(title: &'static str, pointer: &'static str) -> Self {
        Self { title, pointer, format: CellFormat::Plain }
    }

    /// A column of milliseconds since the epoch, printed as a time.
    pub(super) const fn time(title: &'static str, pointer: &'static str) -> Self {
        Self { title, pointer, format: CellFormat::Time }
    }

    fn cell(&self, item: &Value) -> String {
        let value = item.pointer(self.pointer).unwrap_or(&Value::Null);
        let text = match (self.format, value, value.as_u64()) {
            (CellFormat::Time, _, Some(ms)) => time(Timestamp::from_millis(ms)),
            (_, Value::Null, _) => String::new(),
            (_, Value::Bool(is_so), _) => if *is_so { "yes" } else { "no" }.to_owned(),
            (_, Value::String(text), _) => text.clone(),
            (_, other, _) => other.to_string(),
        };
        printable(&text)
    }
}

pub(super) fn print_items(
    columns: &[Column],
    items: &[Value],
    out: &mut impl io::Write,
) -> io::Result<()> {
    let titles: Vec<_> = columns.iter().map(|column| column.title).collect();
    let rows = items.iter().map(|item| columns.iter().map(|column| column.cell(item)).collect());
    print(&titles, rows.collect(), out)
}

/// Prints the columns that `item` has, one per line.
pub(super) fn print_record(
    columns: &[Column],
    item: &Value,
    out: &mut impl io::Write,
) -> io::Result<()> {
    let width = columns.iter().map(|column| column.title.chars().count()).max().unwrap_or_default();
    for column in columns {
        let cell = column.cell(item);
        if !cell.is_empty() {
            writeln!(out, "{:<width$}  {cell}", column.title)?;
        }
    }
    Ok(())
}

/// Prints rows under their titles; each column is as wide as its widest cell.
pub(super) fn print(
    titles: &[&str],
    rows: Vec<Vec<String>>,
    out: &mut impl io::Write,
) -> io::Result<()> {
    let titles = titles.iter().map(|&title| title.to_owned()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(titles).chain(rows).collect();
    let mut widths = vec![0; lines[0].len()];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for line in &lines {
        let padded = line.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        writeln!(out, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// A timestamp as text.
pub(super) fn time(at: Timestamp) -> String {
    // Only expiry times can exceed the calendar.
    date(at).unwrap_or_else(|| "never".to_owned())
}

/// A timestamp as text, up to the year 9999.
pub(super) fn date(at: Timestamp) -> Option<String> {
    let ms = i64::try_from(at.as_millis()).ok()?;
    jiff::Timestamp::from_millisecond(ms).ok().map(|time| format!("{time:.3}"))
}

/// `text` with an escape such as `\u{202e}` for each character that a terminal does not show, or that controls it or
/// the order of others. Names and reasons are user input.
pub(super) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if is_shown(c) {
            printable.push(c);
        } else {
            printable.extend(c.escape_unicode());
        }
    }
    printable
}

/// JSON with an escape such as `\u202e` for each character that [`printable`] escapes; its value is the same.
pub(super) fn printable_json(json: &str) -> String {
    let mut printable = String::with_capacity(json.len());
    for c in json.chars() {
        // Characters that are not shown are only in texts; a line break is only between tokens.
        if c == '\n' || is_shown(c) {
            printable.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(printable, "\\u{unit:04x}").expect("a text takes every escape");
            }
        }
    }
    printable
}

/// Whether a terminal shows the character in its place.
fn is_shown(c: char) -> bool {
    match c {
        ' ' | '\'' | '"' | '\\' => true,
        // Letters without a shape: Hangul fillers, Khmer inherent vowels, the empty Braille pattern.
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{17b4}' | '\u{17b5}'
        | '\u{2800}' => false,
        // Combining characters; those without a shape are the grapheme joiner and the variation selectors.
        '\u{34f}'
        | '\u{180b}'..='\u{180f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{e0100}'..='\u{e01ef}' => false,
        // Controls, format and bidirectional characters, other spaces, private and unassigned characters.
        _ => c.escape_debug().len() == 1 || !c.is_whitespace() && is_combining(c),
    }
}

/// Whether the character is escaped only because it is shown on top of the one before.
fn is_combining(c: char) -> bool {
    // Within a text, `escape_debug` escapes a combining character only at the start.
    format!("a{c}").escape_debug().skip(1).count() == 1
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    const COLUMNS: &[Column] = &[
        Column::plain("room", "/room"),
        Column::plain("open", "/open"),
        Column::plain("people", "/counts/participants"),
        Column::time("created", "/created_ms"),
    ];

    fn text(print: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        print(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let items = [
            json!({ "room": "é", "open": true, "counts": { "participants": 12_000_000 } }),
            json!({ "room": "a name\u{1b}[2J", "open": false, "created_ms": 1_900_000_000_123_u64 }),
        ];
        let expected = "\
room             open  people    created
é                yes   12000000
a name\\u{1b}[2J  no              2030-03-17T17:46:40.123Z
";
        assert_eq!(text(|out| print_items(COLUMNS, &items, out)), expected);
    }

    #[test]
    fn a_table_without_rows_is_its_titles() {
        assert_eq!(text(|out| print_items(COLUMNS, &[], out)), "room  open  people  created\n");
    }

    #[test]
    fn record_omits_absent_values() {
        let item = json!({ "room": "lobby", "open": false, "counts": null });
        assert_eq!(text(|out| print_record(COLUMNS, &item, out)), "room     lobby\nopen     no\n");
    }

    #[test]
    fn characters_that_deceive_are_escaped() {
        for (text, expected) in [
            ("plain name", "plain name"),
            ("Zoë, 名前, नमस्ते, עברית", "Zoë, 名前, नमस्ते, עברית"),
            ("e\u{301}", "e\u{301}"),
            ("it's \"a\\b\"", "it's \"a\\b\""),
            ("\u{1b}[2J\r\n\t\u{7f}\u{9b}", "\\u{1b}[2J\\u{d}\\u{a}\\u{9}\\u{7f}\\u{9b}"),
            ("abc\u{202e}def\u{2066}", "abc\\u{202e}def\\u{2066}"),
            ("a\u{200b}b\u{200d}c\u{ad}", "a\\u{200b}b\\u{200d}c\\u{ad}"),
            (
                "\u{3164}\u{115f}\u{2800}\u{fe0f}\u{34f}",
                "\\u{3164}\\u{115f}\\u{2800}\\u{fe0f}\\u{34f}",
            ),
            ("a\u{a0}b\u{2028}\u{3000}", "a\\u{a0}b\\u{2028}\\u{3000}"),
            ("\u{e000}\u{e0041}\u{feff}", "\\u{e000}\\u{e0041}\\u{feff}"),
        ] {
            assert_eq!(printable(text), expected);
        }
    }

    #[test]
    fn json_keeps_its_value_and_shows_every_character() {
        let name = "a\u{202e}b\u{200b}\u{3164}\u{7f}\u{9b}\u{e0041}\u{feff} Zoë \"\\ עברית\n";
        let value = json!({ name: [name, 7, null], "ada": true });
        for text in [value.to_string(), format!("{value:#}")] {
            let printed = printable_json(&text);
            assert!(printed.chars().all(|c| c == '\n' || is_shown(c)), "{printed}");
            assert!(printed.contains("a\\u202eb\\u200b") && printed.contains("\\udb40\\udc41"));
            assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), value);
        }
        assert_eq!(printable_json(r#"{"user":"Zoë"}"#), r#"{"user":"Zoë"}"#);
    }

    #[test]
    fn time_beyond_the_calendar_prints_never() {
        let last = Timestamp::from_millis(253_402_207_200_000);
        assert_eq!(time(last), "9999-12-30T22:00:00.000Z");
        for never in [last + Duration::from_hours(24), Timestamp::MAX] {
            assert_eq!(time(never), "never");
        }
    }
}
