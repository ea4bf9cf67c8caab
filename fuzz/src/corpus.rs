//! The corpus of a target: a text file with one escaped input per line, so that a change of it can be read.

use std::fs;
use std::path::PathBuf;

/// The inputs of a target.
#[derive(Default)]
pub(crate) struct Corpus {
    pub(crate) inputs: Vec<Vec<u8>>,
}

impl Corpus {
    /// The stored corpus; empty if there is none.
    pub(crate) fn load(name: &str) -> Self {
        let text = fs::read_to_string(path(name)).unwrap_or_default();
        let parse = |line: &str| {
            unescaped(line)
                .unwrap_or_else(|| panic!("corpus/{name}.txt: not an escaped input: {line}"))
        };
        Self { inputs: text.lines().map(parse).collect() }
    }

    pub(crate) fn save(&self, name: &str) {
        let lines: Vec<_> =
            self.inputs.iter().map(|input| format!("{}\n", input.escape_ascii())).collect();
        let file = path(name);
        let folder = file.parent().expect("a corpus is in a folder");
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&file, lines.concat()));
        written.unwrap_or_else(|error| panic!("corpus/{name}.txt: {error}"));
    }
}

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "corpus", &format!("{name}.txt")].iter().collect()
}

/// The inverse of `escape_ascii`.
fn unescaped(line: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut rest) = (Vec::new(), line.bytes());
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'\\' => match rest.next()? {
                b't' => b'\t',
                b'n' => b'\n',
                b'r' => b'\r',
                b'x' => {
                    let digits = [rest.next()?, rest.next()?];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
                }
                quoted => quoted,
            },
            plain => plain,
        };
        bytes.push(byte);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_input_is_read_back() {
        let bytes: Vec<u8> = (0..=u8::MAX).collect();
        assert_eq!(unescaped(&bytes.escape_ascii().to_string()), Some(bytes));
        assert_eq!(unescaped("\\x0"), None);
    }
}
