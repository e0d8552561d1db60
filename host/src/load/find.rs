//! From what was typed after `--plugin` to a file.

use std::path::{Path, PathBuf};

use super::{LoadError, is_whole};
use crate::limits::Limits;

/// `--plugin [name=]path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginPath {
    pub name: String,
    pub path: PathBuf,
}

/// Where a plugin's file is. A path with a directory is taken as it is; a bare file name is
/// looked for here, then in `plugin_dir`, then in `plugins/` beside the executable.
///
/// # Errors
/// Names every place that was looked at.
pub fn find(plugin: &PluginPath, plugin_dir: Option<&Path>) -> Result<PathBuf, LoadError> {
    let mut places = vec![plugin.path.clone()];
    let bare = plugin.path.components().count() == 1;
    if bare {
        places.extend(plugin_dir.map(|dir| dir.join(&plugin.path)));
        if let Ok(executable) = std::env::current_exe() {
            places.extend(executable.parent().map(|dir| dir.join("plugins").join(&plugin.path)));
        }
    }
    if let Some(found) = places.iter().find(|place| place.is_file()) {
        return Ok(found.clone());
    }
    let looked: Vec<String> = places.iter().map(|place| format!("`{}`", place.display())).collect();
    let error = LoadError::new(&plugin.name, format!("does not exist: there is no file {}", looked.join(" or ")));
    Err(if bare {
        error.hint("give a path with `--plugin`, or the directory of the plugins with `--plugin-dir`")
    } else {
        error.hint("`make build` builds the default plugins into `target/release/plugins`")
    })
}

/// The whole file. Parsed as far as its sections here, so that a text, a core module or half a file is
/// named as such before anything else looks at it.
///
/// # Errors
/// Says what the file is instead.
pub fn read(name: &str, path: &Path, limits: &Limits) -> Result<Vec<u8>, LoadError> {
    let unreadable = |error| LoadError::new(name, format!("cannot be read from `{}`: {error}", path.display()));
    let size = path.metadata().map_err(unreadable)?.len();
    if size > limits.component_bytes_max {
        let problem = format!(
            "is too large: `{}` has {size} bytes, `component_bytes_max` is {}",
            path.display(),
            limits.component_bytes_max
        );
        return Err(LoadError::new(name, problem));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    match bytes.get(..8) {
        Some([0, b'a', b's', b'm', _, _, 1, 0]) if is_whole(&bytes) => Ok(bytes),
        Some([0, b'a', b's', b'm', _, _, 1, 0]) => {
            Err(LoadError::new(name, format!("is not whole: `{}` ends in the middle of a section", path.display()))
                .hint("the file may be half written: build or copy it again"))
        }
        Some([0, b'a', b's', b'm', _, _, 0, 0]) => {
            Err(LoadError::new(name, format!("is a core module, not a component: `{}`", path.display()))
                .hint("build it for `wasm32-wasip2`, or wrap it with `wasm-tools component new`"))
        }
        _ => Err(LoadError::new(name, format!("is not a WebAssembly component: `{}`", path.display()))
            .hint("the file may be damaged or half written: build or copy it again")),
    }
}
