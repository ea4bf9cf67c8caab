//! Reads a key or secret from a file or from standard input, so that it is no argument, which every user can read.

use std::io::{self, Read as _};
use std::path::Path;

use secrecy::SecretString;

/// The name that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// The secret in `file`, without the line break at its end. The error says what is wrong, and names the file.
pub(super) fn read(file: &Path) -> Result<SecretString, String> {
    let is_input = file.as_os_str() == STANDARD_INPUT;
    let name = if is_input { "standard input".to_owned() } else { file.display().to_string() };
    let text = if is_input {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    let text = text.map_err(|error| format!("{name}: {error}"))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(format!("{name}: is empty; expected a key or secret")),
        secret => Ok(secret.into()),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn secret_is_the_text_without_its_line_break() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (text, expected) in
            [("sk_key\n", Some("sk_key")), (" a b\r\n", Some(" a b")), ("\n", None)]
        {
            std::fs::write(file.path(), text).unwrap();
            let read = read(file.path()).ok();
            let read = read.as_ref().map(SecretString::expose_secret);
            assert_eq!(read, expected, "{text:?}");
        }
        let error = read(Path::new("/nowhere/key")).unwrap_err();
        assert!(error.starts_with("/nowhere/key: "), "{error}");
    }
}
