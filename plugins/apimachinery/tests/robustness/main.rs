//! Whatever a client sends, the engine answers: it never panics. What the rules of built-in types do
//! with it is tested where those are (`plugins/core`).
//!
//! `ROUNDS=100` tries a hundred times as much.

#[path = "../draw/mod.rs"]
mod draw;

mod objects;
mod schemas;
mod texts;
