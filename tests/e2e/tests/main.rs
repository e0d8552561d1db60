//! The real host, driven over TLS by real clients.

// The host and any chain.
mod access;
mod chain;
mod conformance;
mod containment;
mod contract;
mod hostile;
mod immediate;
mod leaders;
mod lifecycle;
mod limits;
mod metrics;
mod profile;
mod proxy;
mod swap;
mod swap_probation;

// The default chain.
mod aggregator;
mod audit;
mod bad_input;
mod controllers;
mod definitions;
mod differential;
mod durability;
mod envtest;
mod go;
mod gzip;
mod hello;
mod helm;
mod kubectl;
mod openapi;
mod options;
mod pages;
mod plain_reads;
mod projects;
mod published;
mod python;
mod rolling;
mod services;
mod swap_load;
mod tokens;
