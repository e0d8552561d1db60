//! A file that is put aside when it is full: as kube-apiserver's, `audit-TIME.log` beside
//! `audit.log`, so many of them, for so many days, packed if asked for.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use parking_lot::Mutex;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};
use tracing::error;

use crate::options::AuditRotation;

pub(super) struct RotatingFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    /// Never, if nothing is said.
    rotation: Option<AuditRotation>,
    tidying: Tidying,
}

impl RotatingFile {
    pub(super) fn open(path: PathBuf, rotation: Option<AuditRotation>) -> io::Result<Self> {
        if let Some(dir) = path.parent() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        let file = open(&path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { path, file, bytes, rotation, tidying: Tidying::default() })
    }

    pub(super) fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let length = line.len() as u64;
        if let Some(rotation) = self.rotation {
            if length > rotation.bytes_max {
                let most = rotation.bytes_max;
                return Err(io::Error::other(format!(
                    "a line of {length} bytes is larger than a file may be ({most})"
                )));
            }
            if self.bytes + length > rotation.bytes_max {
                self.rotate(rotation, OffsetDateTime::now_utc())?;
            }
        }
        self.file.write_all(line)?;
        self.bytes += length;
        Ok(())
    }

    fn rotate(&mut self, rotation: AuditRotation, now: OffsetDateTime) -> io::Result<()> {
        let mode = self.file.metadata()?.permissions().mode();
        std::fs::rename(&self.path, backup_path(&self.path, now))?;
        self.file = open(&self.path)?;
        self.file.set_permissions(Permissions::from_mode(mode))?;
        self.bytes = 0;
        self.tidying.start(&self.path, rotation, now);
        Ok(())
    }
}

/// Old files are none of the request's business: a thread removes and packs them. One at a time, for
/// two would compete, and once more if a file was put aside meanwhile.
#[derive(Default)]
struct Tidying {
    thread: Option<std::thread::JoinHandle<()>>,
    turn: Arc<Mutex<Turn>>,
}

#[derive(Default)]
struct Turn {
    is_running: bool,
    /// When a file was put aside that the thread may not have seen.
    again: Option<OffsetDateTime>,
}

impl Tidying {
    fn start(&mut self, path: &Path, rotation: AuditRotation, now: OffsetDateTime) {
        let mut turn = self.turn.lock();
        turn.again = Some(now);
        if std::mem::replace(&mut turn.is_running, true) {
            return;
        }
        let (path, turn) = (path.to_owned(), self.turn.clone());
        self.thread = Some(std::thread::spawn(move || {
            loop {
                // Let go of before there is work: whoever writes must not wait for it.
                let next = turn.lock().next();
                let Some(now) = next else { return };
                if let Err(error) = tidy(&path, rotation, now) {
                    error!(path = %path.display(), "cannot tidy up old audit logs: {error}");
                }
            }
        }));
    }
}

impl Turn {
    fn next(&mut self) -> Option<OffsetDateTime> {
        self.is_running = self.again.is_some();
        self.again.take()
    }
}

impl Drop for Tidying {
    /// A file that is being packed is not left half done.
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

type Format = &'static [time::format_description::BorrowedFormatItem<'static>];
const TIME: Format = format_description!("[year]-[month]-[day]T[hour]-[minute]-[second].[subsecond digits:3]");
const PACKED: &str = ".gz";

/// `audit.log` and when it was put aside: `audit-2026-02-03T04-05-06.000.log`.
fn backup_path(path: &Path, time: OffsetDateTime) -> PathBuf {
    let (stem, ending) = name_parts(path);
    let time = time.format(TIME).expect("the format is complete");
    path.with_file_name(format!("{stem}-{time}{ending}"))
}

/// Before and after the time.
fn name_parts(path: &Path) -> (String, String) {
    let text = |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let ending = text(path.extension()).map(|ending| format!(".{ending}")).unwrap_or_default();
    (text(path.file_stem()).unwrap_or_default(), ending)
}

/// When a file was put aside, if it is one of `path`'s.
fn backup_time(path: &Path, name: &str) -> Option<OffsetDateTime> {
    let (stem, ending) = name_parts(path);
    let name = name.strip_suffix(PACKED).unwrap_or(name);
    let time = name.strip_prefix(&stem)?.strip_prefix('-')?.strip_suffix(&ending)?;
    Some(PrimitiveDateTime::parse(time, TIME).ok()?.assume_utc())
}

/// Removes what is too old or too much, and packs the rest.
fn tidy(path: &Path, rotation: AuditRotation, now: OffsetDateTime) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut backups = Vec::new();
    for file in std::fs::read_dir(dir)? {
        let file = file?;
        if let Some(time) = file.file_name().to_str().and_then(|name| backup_time(path, name)) {
            backups.push((time, file.path()));
        }
    }
    // The newest first.
    backups.sort_by(|one, other| other.cmp(one));
    for (index, (time, backup)) in backups.into_iter().enumerate() {
        let too_many = rotation.backups_max.is_some_and(|most| index >= most);
        let too_old = rotation.age_max.is_some_and(|most: Duration| now - time > most);
        if too_many || too_old {
            std::fs::remove_file(backup)?;
        } else if rotation.compress && !backup.as_os_str().as_encoded_bytes().ends_with(PACKED.as_bytes()) {
            pack(&backup)?;
        }
    }
    Ok(())
}

fn pack(path: &Path) -> io::Result<()> {
    let mut source = BufReader::new(File::open(path)?);
    let mode = source.get_ref().metadata()?.permissions().mode();
    // Under another name until it is whole.
    let half = PathBuf::from(format!("{}.packing", path.display()));
    let file = OpenOptions::new().create(true).write(true).truncate(true).mode(mode).open(&half)?;
    let mut encoder = GzEncoder::new(file, Compression::default());
    io::copy(&mut source, &mut encoder)?;
    encoder.finish()?;
    std::fs::rename(half, format!("{}{PACKED}", path.display()))?;
    std::fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read;

    use time::macros::datetime;

    use super::*;

    const ROTATION: AuditRotation = AuditRotation { bytes_max: 10, backups_max: None, age_max: None, compress: false };

    fn files(dir: &Path) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        for file in std::fs::read_dir(dir).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let mut text = String::new();
            match flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text) {
                Ok(_) => {}
                Err(_) => text = String::from_utf8(bytes).unwrap(),
            }
            files.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), text);
        }
        files
    }

    #[test]
    fn a_full_file_is_put_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("below").join("audit.log");
        let mut log = RotatingFile::open(path.clone(), Some(ROTATION)).unwrap();
        log.write(b"12345\n").unwrap();
        drop(log);
        // What is there is gone on with, and counts.
        let mut log = RotatingFile::open(path.clone(), Some(ROTATION)).unwrap();
        log.write(b"abc\n").unwrap();
        log.write(b"next\n").unwrap();
        let error = log.write(b"more than it may have").unwrap_err().to_string();
        assert_eq!(error, "a line of 21 bytes is larger than a file may be (10)");
        let files = files(path.parent().unwrap());
        assert_eq!(files["audit.log"], "next\n");
        let backup = files.keys().find(|name| *name != "audit.log").unwrap();
        assert_eq!(files[backup], "12345\nabc\n");
        assert!(backup_time(&path, backup).is_some(), "{backup}");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn without_rotation_a_file_grows() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.log");
        let mut log = RotatingFile::open(path.clone(), None).unwrap();
        (0..10).for_each(|_| log.write(b"0123456789").unwrap());
        assert_eq!(files(dir.path()), BTreeMap::from([("audit.log".to_owned(), "0123456789".repeat(10))]));
    }

    #[test]
    fn old_files_are_removed_and_packed() {
        let now = datetime!(2026-02-10 00:00 UTC);
        let days = |days: u64| Some(Duration::from_secs(days * 24 * 3600));
        let names = ["audit-2026-02-0", "audit.log", "audit-other.log", "other-2026-02-01T00-00-00.000.log"];
        // Which days' files are left, and whether packed.
        let cases: [(AuditRotation, &[&str]); 4] = [
            (ROTATION, &["1", "2", "9"]),
            (AuditRotation { backups_max: Some(1), ..ROTATION }, &["9"]),
            (AuditRotation { age_max: days(8), ..ROTATION }, &["2", "9"]),
            (AuditRotation { compress: true, backups_max: Some(2), ..ROTATION }, &["2", "9"]),
        ];
        for (rotation, left) in cases {
            let dir = tempfile::tempdir().unwrap();
            for day in ["1", "2", "9"] {
                std::fs::write(dir.path().join(format!("{}{day}T00-00-00.000.log", names[0])), day).unwrap();
            }
            for name in &names[1..] {
                std::fs::write(dir.path().join(name), "stays").unwrap();
            }
            tidy(&dir.path().join("audit.log"), rotation, now).unwrap();
            let ending = if rotation.compress { ".log.gz" } else { ".log" };
            let backups = left.iter().map(|day| (format!("{}{day}T00-00-00.000{ending}", names[0]), (*day).to_owned()));
            let others = names[1..].iter().map(|name| ((*name).to_owned(), "stays".to_owned()));
            assert_eq!(files(dir.path()), backups.chain(others).collect(), "{rotation:?}");
        }
    }
}
