//! Compiled code, kept by the digest of the component and the compatibility of the engine.
//!
//! Compiling a 2 MB component takes seconds and leaves hundreds of megabytes behind in the
//! process that does it, so a child process does it, within bounds: what it may not harm is
//! the server (plugin-hosts.md 6a, storage.md 5.1).

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use super::{Engine, LoadError};
use crate::limits::Limits;

/// The directory of compiled code. Private to the user: what is in it is mapped and run.
pub struct CompiledCache {
    directory: PathBuf,
}

impl CompiledCache {
    /// Opens or makes the directory, with mode 0700.
    ///
    /// # Errors
    /// If it cannot be made, or others may write to it.
    pub fn open(directory: &Path) -> std::io::Result<Self> {
        use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let metadata = directory.metadata()?;
        if metadata.permissions().mode() & 0o022 != 0 {
            return Err(std::io::Error::other(format!(
                "others may write to `{}` (owner {}): compiled code is only taken from a private directory",
                directory.display(),
                metadata.uid()
            )));
        }
        Ok(Self { directory: directory.to_path_buf() })
    }

    /// The component of these bytes and their digest, compiled if the cache does not have it.
    pub(super) async fn component(
        &self,
        engine: &Engine,
        name: &str,
        path: &Path,
        bytes: Vec<u8>,
        limits: &Limits,
    ) -> Result<(Component, String), LoadError> {
        let digest = hex(&Sha256::digest(&bytes));
        let file = self.directory.join(format!("{digest}-{}.cwasm", engine.compatibility()));
        if file.is_file() {
            match map(engine, &file) {
                Ok(component) => return Ok((component, digest)),
                // Damaged by a full disk or by hand: compiled again below.
                Err(error) => tracing::warn!(plugin = name, "compiled code is compiled again: {error:#}"),
            }
        }
        tracing::info!(plugin = name, "compiling `{}`", path.display());
        compile_in_child(name, &bytes, &file, limits).await?;
        let component = map(engine, &file)
            .map_err(|error| LoadError::new(name, format!("was compiled, but cannot be mapped: {error:#}")))?;
        Ok((component, digest))
    }
}

/// Compiles a component into a file, in this process: what the child does.
///
/// # Errors
/// If the component is not valid.
pub fn compile_to_file(component: &Path, output: &Path) -> anyhow::Result<()> {
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
    command.env("HOST_COMPILE_MEMORY_BYTES_MAX", limits.compile_memory_bytes_max.to_string());
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
            Err(LoadError::new(name, format!("is not a valid component: {reason}"))
                .hint("the file may be damaged or half written: build or copy it again"))
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
