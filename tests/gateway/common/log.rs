//! The log lines of the gateways that run on this thread.
//!
//! One subscriber serves all tests: tracing remembers for the whole process whether anybody wants a log statement. One
//! that came later could miss statements that another test reached at that moment.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;
use std::thread::LocalKey;

use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

thread_local! {
    /// The lines, while a [`Log`] collects them.
    static LINES: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Makes log lines collectable. Every gateway does it before it starts.
pub fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(tracing::Level::WARN)
            .with_writer(Writer)
            .init();
    });
}

/// Collects log lines as long as it lives. Only in a test whose runtime has one thread.
pub struct Log {
    lines: &'static LocalKey<RefCell<Option<Vec<u8>>>>,
}

impl Log {
    pub fn collect() -> Self {
        install();
        LINES.with_borrow_mut(|lines| *lines = Some(Vec::new()));
        Self { lines: &LINES }
    }

    /// The lines with this message.
    pub fn with_message(&self, message: &str) -> Vec<Value> {
        let text =
            self.lines.with_borrow(|lines| String::from_utf8(lines.clone().unwrap()).unwrap());
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["message"] == message).collect()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.lines.with_borrow_mut(Option::take);
    }
}

struct Writer;

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A thread that ends may log once more.
        let _ = LINES.try_with(|lines| {
            if let Some(lines) = &mut *lines.borrow_mut() {
                lines.extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}
