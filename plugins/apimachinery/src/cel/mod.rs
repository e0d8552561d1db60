//! The Common Expression Language, in which definitions of custom resources state rules
//! (`x-kubernetes-validations`), and policies and devices what they are about.
//!
//! Expressions are parsed, checked against the types that a schema declares, and weighed before
//! a definition is accepted; then they run on every write. All of it follows upstream's library,
//! down to messages and costs: crates that evaluate the language neither check types nor tell
//! where an error is.

mod ast;
mod check;
mod cost;
mod declared;
mod definition;
mod environment;
mod eval;
mod functions;
mod kubernetes;
mod lexer;
mod library;
mod macros;
mod parser;
mod rules;
mod strings;
mod times;
mod types;
mod value;

pub use self::declared::is_identifier;
pub use self::definition::{Context, Total};
pub use self::environment::{Environment, Wanted};
pub use self::rules::{Budget, Rules, validate, validate_default};

#[cfg(test)]
mod tests;
