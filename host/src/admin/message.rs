//! What is said on the socket.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::assembly::LinkReport;

/// The answer to `GET /chain`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Chain {
    /// Outermost first.
    pub(super) links: Vec<LinkReport>,
}

/// `POST /plugins/NAME/swap`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Swap {
    pub(super) path: PathBuf,
}

/// `POST /plugins`. With neither `before` nor `after` it becomes the outermost link.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Add {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) config: Option<PathBuf>,
    #[serde(default)]
    pub(super) grants: Vec<String>,
    /// `LIMIT=VALUE`.
    #[serde(default)]
    pub(super) limits: Vec<String>,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// Every answer that is not 200.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Refusal {
    pub(super) error: String,
}
