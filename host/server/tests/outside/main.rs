//! The server as clients see it: a real listener on a free port, TLS, HTTP/1.1 and 2.

mod audit;
mod authority;
mod client;
mod director;
mod h2spec;
mod hostile;
mod metrics;
mod options;
mod process;
mod reload;
mod serving;
mod shutdown;
mod tls;
mod traces;
