//! The budget of a request: how many nodes a walk may come upon.

use super::wire::Malformed;
use crate::limits;

/// Why a walk ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The bytes are no such message, at this offset of the request.
    Malformed(usize),
    /// More nodes or records than the limits allow.
    OverBudget,
}

/// Counts nodes against [`limits::NODES_PER_REQUEST_MAX`], and what was cut short.
#[derive(Debug)]
pub struct Budget {
    start: usize,
    nodes: usize,
    records: usize,
    /// Attributes beyond the limit of their record, ignored.
    pub ignored: u64,
}

impl Budget {
    /// A budget for one request with at most this many records.
    #[must_use]
    pub fn new(bytes: &[u8], records_max: usize) -> Budget {
        Budget {
            start: bytes.as_ptr() as usize,
            nodes: limits::NODES_PER_REQUEST_MAX,
            records: records_max,
            ignored: 0,
        }
    }

    /// Takes nodes from the budget.
    ///
    /// # Errors
    /// [`Fault::OverBudget`] if fewer are left.
    pub fn spend(&mut self, nodes: usize) -> Result<(), Fault> {
        self.nodes = self.nodes.checked_sub(nodes).ok_or(Fault::OverBudget)?;
        Ok(())
    }

    /// Takes one record from the budget.
    pub(super) fn spend_record(&mut self) -> Result<(), Fault> {
        self.records = self.records.checked_sub(1).ok_or(Fault::OverBudget)?;
        self.spend(1)
    }

    /// The place of an error in the request, from its place in a message of it.
    pub(super) fn malformed(&self, message: &[u8], error: Malformed) -> Fault {
        Fault::Malformed((message.as_ptr() as usize - self.start) + error.0)
    }
}
