//! The text format of Prometheus, version 0.0.4, made from that of `OpenMetrics`.
//!
//! The families differ in three things: a counter is named like its sample, with `_total`; an info is a gauge, with
//! `_info`; there is neither a unit nor an end marker.
//! Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::fmt::Write as _;

/// Converts an `OpenMetrics` text whose families have `HELP` before `TYPE`.
pub(super) fn convert(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = None;
    for line in open_metrics.lines() {
        if let Some(described) = line.strip_prefix("# HELP ") {
            help = described.split_once(' ');
        } else if let Some(typed) = line.strip_prefix("# TYPE ") {
            let (name, kind) = typed.split_once(' ').unwrap_or((typed, "untyped"));
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                other => ("", other),
            };
            if let Some((_, help)) = help.take() {
                push_line(
                    &mut text,
                    format_args!("# HELP {name}{suffix} {}", unescape_quotes(help)),
                );
            }
            push_line(&mut text, format_args!("# TYPE {name}{suffix} {kind}"));
        } else if !line.starts_with('#') {
            push_line(&mut text, format_args!("{line}"));
        }
    }
    text
}

/// A help text of `OpenMetrics` escapes quotes, one of Prometheus does not.
fn unescape_quotes(help: &str) -> String {
    let mut text = String::with_capacity(help.len());
    let mut chars = help.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('"')) => {}
            ('\\', Some(&escaped)) => {
                chars.next();
                text.extend([c, escaped]);
            }
            _ => text.push(c),
        }
    }
    text
}

fn push_line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}")
        .unwrap_or_else(|std::fmt::Error| unreachable!("writing to a string cannot fail"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_get_their_classic_names_and_kinds() {
        let open_metrics = r#"# HELP up_starts Starts, by outcome: \"ok\" and \\n.
# TYPE up_starts counter
up_starts_total{outcome="ok"} 3
# HELP up_size_bytes Size.
# TYPE up_size_bytes gauge
# UNIT up_size_bytes bytes
up_size_bytes 7
# HELP up_build Version.
# TYPE up_build info
up_build_info{version="1"} 1
# EOF
"#;
        let classic = r#"# HELP up_starts_total Starts, by outcome: "ok" and \\n.
# TYPE up_starts_total counter
up_starts_total{outcome="ok"} 3
# HELP up_size_bytes Size.
# TYPE up_size_bytes gauge
up_size_bytes 7
# HELP up_build_info Version.
# TYPE up_build_info gauge
up_build_info{version="1"} 1
"#;
        assert_eq!(convert(open_metrics), classic);
    }
}
