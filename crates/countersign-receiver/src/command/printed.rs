//! What a command says on stdout, also into a pipe that nobody reads to the end.

use std::fmt;
use std::io::{self, Write};

use anyhow::Context;

/// Writes one line to stdout. A reader who has seen enough (`| head -1`) is no mistake.
///
/// # Errors
/// Stdout cannot be written for another reason, such as a full disk.
pub(super) fn line(text: fmt::Arguments<'_>) -> anyhow::Result<()> {
    write_line(&mut io::stdout().lock(), text)
}

fn write_line(to: &mut impl Write, text: fmt::Arguments<'_>) -> anyhow::Result<()> {
    match writeln!(to, "{text}").and_then(|()| to.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to stdout"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind, Write};

    use super::write_line;

    /// A stdout that nobody can write to.
    struct Closed(ErrorKind);

    impl Write for Closed {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_a_reader_who_went_away_is_no_mistake() {
        let mut shown = Vec::new();
        write_line(&mut shown, format_args!("{} of {}", 1, 2)).expect("memory can be written");
        assert_eq!(shown, b"1 of 2\n");
        let left = write_line(&mut Closed(ErrorKind::BrokenPipe), format_args!("x"));
        assert!(left.is_ok());
        let full = write_line(&mut Closed(ErrorKind::StorageFull), format_args!("x"));
        assert!(full.is_err());
    }
}
