//! Values made from files, and made again when the files change.

use std::path::PathBuf;
use std::sync::Arc;

use tracing::{info, warn};

/// A file, and the option that names it.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) flag: &'static str,
    pub(crate) path: PathBuf,
}

/// Why a file that an option names is of no use.
#[derive(Debug, thiserror::Error)]
#[error("--{} cannot be used: `{}`: {reason}", .source_file.flag, .source_file.path.display())]
pub struct CertificateError {
    source_file: Source,
    reason: String,
}

pub(crate) fn wrong(source: &Source, reason: impl ToString) -> CertificateError {
    CertificateError { source_file: source.clone(), reason: reason.to_string() }
}

type Make<T> = Box<dyn Fn(&[Vec<u8>]) -> Result<T, CertificateError> + Send + Sync>;

/// A value, and the files that it was made from.
///
/// What counts is the content, not what the file system says of it: that is true of mounted
/// secrets, whose files are links to links, of files that are written in place, and anywhere else.
pub(crate) struct FromFiles<T> {
    sources: Vec<Source>,
    make: Make<T>,
    contents: Vec<Vec<u8>>,
    value: Arc<T>,
    /// What was last said to be wrong with the files; said once.
    complaint: Option<String>,
}

impl<T> FromFiles<T> {
    /// `make` gets the contents in the order of `sources`.
    pub(crate) fn read(
        sources: Vec<Source>,
        make: impl Fn(&[Vec<u8>]) -> Result<T, CertificateError> + Send + Sync + 'static,
    ) -> Result<Self, CertificateError> {
        let contents = contents(&sources)?;
        let value = Arc::new(make(&contents)?);
        Ok(Self { sources, make: Box::new(make), contents, value, complaint: None })
    }

    pub(crate) fn value(&self) -> &Arc<T> {
        &self.value
    }

    /// What the file that this option names held when the value was made; nothing if the option names none.
    pub(crate) fn content(&self, flag: &str) -> Option<String> {
        let at = self.sources.iter().position(|source| source.flag == flag)?;
        Some(String::from_utf8_lossy(&self.contents[at]).into_owned())
    }

    /// Reads the files again. True if there is a new value; the old one stays if the files are
    /// not good for one.
    pub(crate) fn refresh(&mut self) -> bool {
        let made = contents(&self.sources).and_then(|contents| {
            let unchanged = contents == self.contents;
            if unchanged { Ok(None) } else { (self.make)(&contents).map(|value| Some((value, contents))) }
        });
        match made {
            Ok(None) => {
                self.complaint = None;
                false
            }
            Ok(Some((value, contents))) => {
                (self.value, self.contents, self.complaint) = (Arc::new(value), contents, None);
                info!(file = %self.sources[0].path.display(), "read again: it has changed");
                true
            }
            Err(error) => {
                let complaint = error.to_string();
                if self.complaint.as_ref() != Some(&complaint) {
                    warn!("what was read before stays in use: {complaint}");
                    self.complaint = Some(complaint);
                }
                false
            }
        }
    }
}

fn contents(sources: &[Source]) -> Result<Vec<Vec<u8>>, CertificateError> {
    let read = |source: &Source| std::fs::read(&source.path).map_err(|error| wrong(source, error));
    sources.iter().map(read).collect()
}
