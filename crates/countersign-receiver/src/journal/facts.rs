//! Facts as bytes: what a record of the journal holds.

use countersign_core::fact::Fact;

/// Appends facts to a buffer; the buffer is what [`crate::keeper::Submission`] carries.
#[derive(Clone, Debug, Default)]
pub struct FactWriter {
    bytes: Vec<u8>,
    count: u64,
}

impl FactWriter {
    /// Appends one fact.
    pub fn push(&mut self, fact: &Fact<'_>) {
        let bytes = std::mem::take(&mut self.bytes);
        self.bytes = postcard::to_extend(fact, bytes).expect("a Vec takes all");
        self.count += 1;
    }

    /// How many facts.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads facts one after the other, borrowed from the bytes.
#[derive(Clone, Copy, Debug)]
pub struct FactReader<'a> {
    bytes: &'a [u8],
}

impl<'a> FactReader<'a> {
    /// The facts in these bytes.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> FactReader<'a> {
        FactReader { bytes }
    }
}

impl<'a> Iterator for FactReader<'a> {
    type Item = Result<Fact<'a>, postcard::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.bytes.is_empty() {
            return None;
        }
        match postcard::take_from_bytes(self.bytes) {
            Ok((fact, rest)) => {
                self.bytes = rest;
                Some(Ok(fact))
            }
            Err(error) => {
                self.bytes = &[];
                Some(Err(error))
            }
        }
    }
}
