//! What can go wrong, by what the caller can do about it.

use thiserror::Error;

/// Why a read was not answered.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ReadError {
    /// The revision is no longer kept: read at a newer one, or list again.
    #[error("the revision was compacted, the oldest there is is `{oldest}`")]
    Compacted { oldest: u64 },
    /// The revision does not exist yet, and did not come while the read waited for it.
    #[error("the revision is in the future, the newest there is is `{newest}`")]
    Ahead { newest: u64 },
    /// The caller asked for something that cannot be asked for.
    #[error("{0}")]
    Invalid(String),
    /// A bound of [`Limits`](crate::Limits) is reached: which.
    #[error("{0}")]
    Limit(String),
    /// The store failed or is closed.
    #[error("the store is not available: {0}")]
    Unavailable(String),
}

/// Why a transaction was not applied, or may not have been.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum WriteError {
    /// The transaction itself is wrong: why.
    #[error("{0}")]
    Invalid(String),
    /// A key or value is larger than its bound.
    #[error("the {what} has {bytes} bytes, at most {max} are allowed")]
    TooLarge { what: &'static str, bytes: u64, max: u64 },
    /// Too many writes wait already: nothing was written, try again later.
    #[error("too many writes are waiting")]
    Overloaded,
    /// The store is full: only deletions are accepted.
    #[error("the store is full: {0}")]
    NoSpace(String),
    /// It is not known whether the transaction was applied: read, and see.
    #[error("it is not known whether the write happened: {0}")]
    Unknown(String),
    /// The store failed or is closed: nothing was written.
    #[error("the store is not available: {0}")]
    Unavailable(String),
}
