//! Compiled code, kept by the digest of the component and the compatibility of the engine.
//!
//! Compiling a 2 MB component takes seconds and leaves hundreds of megabytes behind in the
//! process that does it, so a child process does it, within bounds: what it may not harm is
//! the server.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use super::{Engine, LoadError};
use crate::limits::Limits;

/// The directory of compiled code. Private to the user: what is in it is mapped and run.
pub struct CompiledCache {
    directory: PathBuf,
}

impl CompiledCache {
    /// Opens or makes the directory, with mode 0700, and removes what nobody has used for long.
    ///
    /// # Errors
    /// If it cannot be made, or anybody else may write to it.
    pub fn open(directory: &Path) -> std::io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let directory = directory.canonicalize()?;
        check_private(&directory)?;
        let old = directory.clone();
        // Beside the start: nothing waits for it.
        std::thread::spawn(move || remove_unused(&old));
        Ok(Self { directory })
    }

    /// The component of these bytes, their digest and the file of its code, compiled if the cache does not have it.
    pub(super) async fn component(
        &self,
        engine: &Engine,
        name: &str,
        path: &Path,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<(Component, String, PathBuf), LoadError> {
        let digest = digest(bytes);
        let file = self.directory.join(format!("{digest}-{}.cwasm", engine.compatibility()));
        if file.is_file() {
            match map(engine, &file) {
                Ok(component) => {
                    keep(&file);
                    return Ok((component, digest, file));
                }
                // Damaged by a full disk or by hand: compiled again below.
                Err(error) => tracing::warn!(plugin = name, "compiled code is compiled again: {error:#}"),
            }
        }
        tracing::info!(plugin = name, "compiling `{}`", path.display());
        compile_in_child(name, bytes, &file, limits).await?;
        let component = map(engine, &file)
            .map_err(|error| LoadError::new(name, format!("was compiled, but cannot be mapped: {error:#}")))?;
        Ok((component, digest, file))
    }
}

/// Whoever could write to the directory, or put another in its place, could run code as us.
fn check_private(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let probe = directory.join(format!(".{}", std::process::id()));
    let own = std::fs::File::create(&probe)?.metadata()?.uid();
    std::fs::remove_file(&probe)?;
    for (depth, ancestor) in directory.ancestors().enumerate() {
        let metadata = ancestor.metadata()?;
        let mode = metadata.permissions().mode();
        let is_owner_trusted = metadata.uid() == own || (depth > 0 && metadata.uid() == 0);
        // In a sticky directory such as `/tmp` only the owner can replace what is there.
        let is_open = mode & 0o022 != 0 && (depth == 0 || mode & 0o1000 == 0);
        if !is_owner_trusted || is_open {
            return Err(std::io::Error::other(format!(
                "others may write to `{}` (owner {}, mode {:o}): compiled code is only taken from a private directory",
                ancestor.display(),
                metadata.uid(),
                mode & 0o7777
            )));
        }
    }
    Ok(())
}

/// Remembers that the file is used; once a day is enough.
fn keep(file: &Path) {
    if age(file).is_some_and(|age| age > Duration::from_secs(24 * 3600))
        && let Ok(file) = std::fs::File::options().append(true).open(file)
    {
        let _ = file.set_modified(SystemTime::now());
    }
}

/// Each build of a component and of the host leaves a file, and a compiler that is killed its
/// input and half of its output.
fn remove_unused(directory: &Path) {
    let Ok(entries) = directory.read_dir() else { return };
    for file in entries.flatten().map(|entry| entry.path()) {
        let keep = match file.extension().and_then(|ending| ending.to_str()) {
            Some("cwasm") => UNUSED_KEPT,
            Some("wasm" | "part") => LEFTOVERS_KEPT,
            _ => continue,
        };
        if age(&file).is_some_and(|age| age > keep) {
            let _ = std::fs::remove_file(&file);
        }
    }
}

/// Compiled code that was not mapped for so long is compiled again if it is wanted again.
const UNUSED_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// No compiler runs as long as this (`compile_ms_max`).
const LEFTOVERS_KEPT: Duration = Duration::from_secs(3600);

fn age(file: &Path) -> Option<Duration> {
    SystemTime::now().duration_since(file.metadata().ok()?.modified().ok()?).ok()
}

/// Compiles a component into a file, in this process and with so much memory: what the child
/// does.
///
/// # Errors
/// If the component is not valid.
pub fn compile_to_file(component: &Path, output: &Path, memory_bytes_max: u64) -> anyhow::Result<()> {
    rlimit::setrlimit(rlimit::Resource::AS, memory_bytes_max, memory_bytes_max)?;
    let bytes = std::fs::read(component)?;
    let code = Engine::compiler()?.wasmtime().precompile_component(&bytes)?;
    std::fs::write(output, code)?;
    Ok(())
}

/// Runs this executable's hidden `compile` command on the bytes. The result appears under its
/// name only when it is complete.
async fn compile_in_child(name: &str, bytes: &[u8], file: &Path, limits: &Limits) -> Result<(), LoadError> {
    let io = |error: std::io::Error| LoadError::new(name, format!("cannot be compiled: {error}"));
    let executable = std::env::current_exe().map_err(io)?;
    // Two plugins may be the same file, and are compiled at the same time then.
    static STARTED: AtomicU64 = AtomicU64::new(0);
    let unique = format!("{}-{}", std::process::id(), STARTED.fetch_add(1, Ordering::Relaxed));
    let input = file.with_extension(format!("{unique}.wasm"));
    let output = file.with_extension(format!("{unique}.part"));
    std::fs::write(&input, bytes).map_err(io)?;
    let mut command = tokio::process::Command::new(executable);
    command.arg("compile").arg(&input).arg(&output);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    command.arg(limits.compile_memory_bytes_max.to_string());
    let child = command.spawn().map_err(io)?;
    let finished = tokio::time::timeout(Duration::from_millis(limits.compile_ms_max), child.wait_with_output()).await;
    let _ = std::fs::remove_file(&input);
    let result = match finished {
        Ok(Ok(done)) if done.status.success() => std::fs::rename(&output, file).map_err(io),
        Ok(Ok(done)) => {
            let reason = String::from_utf8_lossy(&done.stderr);
            let reason = reason.trim();
            let reason =
                if reason.is_empty() { format!("the compiler ended with {}", done.status) } else { reason.into() };
            Err(LoadError::new(name, format!("cannot be compiled: {reason}")).hint(format!(
                "the file may be damaged or half written: build or copy it again; or it needs more memory than \
                 `compile_memory_bytes_max` ({})",
                limits.compile_memory_bytes_max
            )))
        }
        Ok(Err(error)) => Err(io(error)),
        Err(_) => Err(LoadError::new(
            name,
            format!("took longer than `compile_ms_max` ({}) to compile", limits.compile_ms_max),
        )),
    };
    let _ = std::fs::remove_file(&output);
    result
}

fn map(engine: &Engine, file: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file is in a directory that only this user may write to, was written whole by
    // our own compiler before it got its name, and is named by the digest of the component and
    // the compatibility hash of this engine.
    #[expect(unsafe_code, reason = "mapping compiled code is unsafe by nature; this is the one place that does it")]
    unsafe {
        Component::deserialize_file(engine.wasmtime(), file)
    }
}

/// SHA-256, in hex.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn compiled_code_is_taken_from_a_private_directory_only() {
        let root = tempfile::tempdir().unwrap();
        let compiled = root.path().join("a/b");
        for (directory, mode, private) in
            [("a/b", 0o700, true), ("a/b", 0o770, false), ("a", 0o777, false), ("a", 0o1777, true)]
        {
            CompiledCache::open(&compiled).map(drop).unwrap();
            let directory = root.path().join(directory);
            let before = directory.metadata().unwrap().permissions();
            std::fs::set_permissions(&directory, PermissionsExt::from_mode(mode)).unwrap();
            let opened = CompiledCache::open(&compiled).map(drop);
            std::fs::set_permissions(&directory, before).unwrap();
            assert_eq!(opened.is_ok(), private, "{} with mode {mode:o}: {opened:?}", directory.display());
        }
    }

    #[test]
    fn what_was_not_used_for_long_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let files = [
            ("new.cwasm", hours(2), true),
            ("month.cwasm", hours(31 * 24), false),
            ("compiling.part", hours(0), true),
            ("killed.part", hours(2), false),
            ("killed.wasm", hours(2), false),
            ("other", hours(31 * 24), true),
        ];
        for (name, age, _) in files {
            let file = std::fs::File::create(directory.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        }
        remove_unused(directory.path());
        for (name, _, kept) in files {
            assert_eq!(directory.path().join(name).exists(), kept, "`{name}`");
        }
    }

    #[test]
    fn a_file_that_is_mapped_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("old.cwasm");
        std::fs::File::create(&path).unwrap().set_modified(SystemTime::now() - UNUSED_KEPT * 2).unwrap();
        keep(&path);
        remove_unused(directory.path());
        assert!(path.exists());
    }
}
