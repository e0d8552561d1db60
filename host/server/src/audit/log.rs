//! Events as lines: `--audit-log-path`.

use std::io::Write;
use std::sync::Arc;

use parking_lot::Mutex;

use super::metrics::AuditMetrics;
use super::rotate::RotatingFile;
use super::sink::Entry;
use crate::options::{AuditLog, AuditLogFormat, AuditLogTarget};

pub(super) struct Log {
    target: Target,
    format: AuditLogFormat,
    metrics: Arc<AuditMetrics>,
}

enum Target {
    Stdout,
    File(Mutex<RotatingFile>),
}

impl Log {
    pub(super) fn open(options: &AuditLog, metrics: Arc<AuditMetrics>) -> std::io::Result<Self> {
        let target = match &options.target {
            AuditLogTarget::Stdout => Target::Stdout,
            AuditLogTarget::File { path, rotation } => {
                Target::File(Mutex::new(RotatingFile::open(path.clone(), *rotation)?))
            }
        };
        Ok(Self { target, format: options.format, metrics })
    }

    /// False if a line could not be written.
    pub(super) fn write(&self, entries: &[Arc<Entry>]) -> bool {
        let mut good = true;
        for entry in entries {
            if let Err(error) = self.write_one(entry) {
                self.metrics.lost("log", error, std::slice::from_ref(entry));
                good = false;
            }
        }
        good
    }

    fn write_one(&self, entry: &Entry) -> std::io::Result<()> {
        let mut line = match self.format {
            AuditLogFormat::Json => entry.json().to_owned(),
            AuditLogFormat::Legacy => entry.event().summary(),
        };
        line.push('\n');
        match &self.target {
            Target::Stdout => std::io::stdout().lock().write_all(line.as_bytes()),
            // Into the page cache: no worse for the thread than a line of the host's own log.
            Target::File(file) => file.lock().write(line.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::{event, metrics};
    use crate::options::AuditMode;

    #[test]
    fn an_event_is_a_line() {
        let json = "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"Metadata\",\"auditID\":\"id\",\
                    \"stage\":\"ResponseComplete\",\"requestURI\":\"/api/v1/namespaces/ns/pods?limit=1\",\
                    \"verb\":\"list\",\"user\":{\"username\":\"eve\",\"groups\":[\"a\",\"b\"],\"extra\":{\"k\":[\"v\"]}},\
                    \"sourceIPs\":[\"10.0.0.9\"],\"userAgent\":\"curl/8\",\
                    \"objectRef\":{\"resource\":\"pods\",\"namespace\":\"ns\",\"apiVersion\":\"v1\"},\
                    \"responseStatus\":{\"metadata\":{},\"code\":200},\
                    \"requestReceivedTimestamp\":\"2026-02-03T04:05:06.000789Z\",\
                    \"stageTimestamp\":\"2026-02-03T04:05:06.000789Z\",\
                    \"annotations\":{\"authorization.k8s.io/decision\":\"allow\"}}\n";
        let legacy = "2026-02-03T04:05:06.000789Z AUDIT: id=\"id\" stage=\"ResponseComplete\" ip=\"10.0.0.9\" \
                      method=\"list\" user=\"eve\" groups=\"\\\"a\\\",\\\"b\\\"\" as=\"<self>\" asgroups=\"<lookup>\" \
                      user-agent=\"curl/8\" namespace=\"ns\" uri=\"/api/v1/namespaces/ns/pods?limit=1\" response=\"200\"\n";
        let dir = tempfile::tempdir().unwrap();
        for (format, expected) in [(AuditLogFormat::Json, json), (AuditLogFormat::Legacy, legacy)] {
            let path = dir.path().join(format!("{format:?}"));
            let target = AuditLogTarget::File { path: path.clone(), rotation: None };
            let options = AuditLog { target, format, mode: AuditMode::Blocking, truncate: None };
            assert!(Log::open(&options, metrics()).unwrap().write(&[Arc::new(Entry::new(event()))]));
            assert_eq!(std::fs::read_to_string(path).unwrap(), expected);
        }
    }
}
