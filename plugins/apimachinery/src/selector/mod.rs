//! Selectors as they stand in query parameters, parsed with upstream's grammar and wording
//! into what the host filters by.

mod fields;
mod labels;
mod lexer;
mod matching;

pub use fields::{parse_fields, parse_terms};
pub use labels::parse_labels;
pub use matching::holds;
