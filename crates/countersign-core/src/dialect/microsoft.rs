//! Microsoft's Agent Framework and Semantic Kernel: `gen_ai.*` as it is.

use super::field::Field;
use super::table::Dialect;

pub(super) const MICROSOFT: Dialect = Dialect {
    scopes: &["agent_framework*", "semantic_kernel*", "Microsoft.SemanticKernel*"],
    bare: &[("workflow.name", Field::Workflow)],
    distance: 2,
    ..Dialect::PLAIN
};
