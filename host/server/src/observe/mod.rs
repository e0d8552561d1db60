//! What an operator sees: log lines and numbers.

mod access;
mod families;
mod labels;
mod logging;
mod metrics;
mod passes;
mod requests;
mod tally;

pub(crate) use access::{AccessMetrics, Authenticated, Authorized};
pub use logging::{LoggingError, init_logging};
pub use metrics::Metrics;
pub(crate) use metrics::encode;
pub(crate) use requests::{Answered, RequestMetrics, StartedRequest};
pub use tally::Tally;
