//! The real host, driven over TLS by real clients.

mod bad_input;
mod differential;
mod durability;
mod kubectl;
mod lifecycle;
mod projects;
mod python;
