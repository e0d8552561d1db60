//! Static bearer tokens from a file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use tracing::warn;

use super::User;

#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    #[error("token file `{}` cannot be read: {source}", .path.display())]
    Unreadable { path: PathBuf, source: csv::Error },
    #[error(
        "token file `{}` needs at least 3 columns (token, user name, user uid): record {record} has {columns}",
        .path.display()
    )]
    Columns { path: PathBuf, record: usize, columns: usize },
}

/// Users by the digest of their token: neither memory nor the time of a look-up gives one away.
#[derive(Debug, Default)]
pub(crate) struct Tokens(HashMap<[u8; 32], Arc<User>>);

impl Tokens {
    /// Reads `token,user,uid[,"group1,group2"]`, one a line.
    pub(crate) fn read(path: &Path) -> Result<Self, TokenFileError> {
        let unreadable = |source| TokenFileError::Unreadable { path: path.to_owned(), source };
        let mut tokens = HashMap::new();
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(path).map_err(unreadable)?;
        for (index, record) in reader.records().enumerate() {
            let record = record.map_err(unreadable)?;
            let number = index + 1;
            if record.len() < 3 {
                return Err(TokenFileError::Columns { path: path.to_owned(), record: number, columns: record.len() });
            }
            if record[0].is_empty() {
                warn!(file = %path.display(), record = number, "ignoring an empty token");
                continue;
            }
            let groups = record.get(3).filter(|groups| !groups.is_empty());
            let user = User {
                name: record[1].to_owned(),
                uid: record[2].to_owned(),
                groups: groups.map(|groups| groups.split(',').map(str::to_owned).collect()).unwrap_or_default(),
                extra: Vec::new(),
            };
            if tokens.insert(key(&record[0]), Arc::new(user.authenticated())).is_some() {
                warn!(file = %path.display(), record = number, "a token is there twice: the last one counts");
            }
        }
        Ok(Self(tokens))
    }

    pub(super) fn user(&self, token: &str) -> Option<Arc<User>> {
        self.0.get(&key(token)).cloned()
    }
}

fn key(token: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    key
}
