//! From an operator's choice to a component that can be started.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use host_server::options::{PluginChoice, Plugins, RunConfig};

use crate::chain::LinkOptions;
use crate::grants::{self, Grants};
use crate::limits::Limits;
use crate::load::{self, CompiledCache, Engine, LoadError, Loaded, PluginPath};

/// Finds, compiles and links components.
pub struct Loader {
    engine: Engine,
    compiled: CompiledCache,
    plugin_dir: Option<PathBuf>,
    /// What the engine has room for.
    room: Limits,
}

/// A plugin that is loaded and not started.
pub struct Prepared {
    pub(super) choice: PluginChoice,
    pub(super) file: PathBuf,
    pub(super) options: LinkOptions,
    pub(super) loaded: Loaded,
}

/// How closely plugins are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Whether their files are there: loading says the rest.
    AtPaths,
    /// Whether their files hold components. Nothing is compiled.
    AtFiles,
}

/// Everything that is wrong with the plugins themselves, with what they are granted, with their bounds and with
/// their configurations, as far as a look shows it.
pub fn check(plugins: &Plugins, look: Look) -> Vec<String> {
    let errors = plugins.links.iter().flat_map(|choice| {
        let options = link_options(choice);
        let limits =
            options.as_ref().map_or_else(|_| Arc::new(Limits::of(&choice.name)), |options| options.limits.clone());
        let file = load::find(&plugin_path(choice), plugins.dir.as_deref()).and_then(|file| match look {
            Look::AtPaths => Ok(()),
            Look::AtFiles => load::read(&choice.name, &file, &limits).map(drop),
        });
        [options.err(), file.err()]
    });
    errors.flatten().map(|error| error.to_string()).collect()
}

fn plugin_path(choice: &PluginChoice) -> PluginPath {
    PluginPath { name: choice.name.clone(), path: choice.path.clone() }
}

impl Loader {
    /// # Errors
    /// If there is no private directory for compiled code, or the machine cannot run any.
    pub fn new(config: &RunConfig) -> anyhow::Result<Self> {
        let options: Vec<LinkOptions> = config.plugins.links.iter().map(link_options).collect::<Result<_, _>>()?;
        let room = widest(&options);
        let engine =
            Engine::new(&room).map_err(|error| anyhow::anyhow!("this machine cannot run plugins: {error:#}"))?;
        let compiled = open_compiled_cache(&config.data_dir)?;
        Ok(Self { engine, compiled, plugin_dir: config.plugins.dir.clone(), room })
    }

    /// Loads every plugin, all at the same time.
    ///
    /// # Errors
    /// Names all that cannot be loaded.
    pub async fn load_all(&self, choices: &[PluginChoice]) -> anyhow::Result<Vec<Prepared>> {
        let mut prepared = Vec::new();
        let mut errors = Vec::new();
        for result in futures::future::join_all(choices.iter().map(|choice| self.load(choice))).await {
            match result {
                Ok(plugin) => prepared.push(plugin),
                Err(error) => errors.push(error.to_string()),
            }
        }
        if errors.is_empty() { Ok(prepared) } else { Err(anyhow::anyhow!(errors.join("\n\n"))) }
    }

    /// Loads a plugin, and reads its configuration.
    pub(super) async fn load(&self, choice: &PluginChoice) -> Result<Prepared, LoadError> {
        let options = link_options(choice)?;
        self.check_room(&choice.name, &options.limits)?;
        let file = load::find(&plugin_path(choice), self.plugin_dir.as_deref())?;
        let loaded = load::load(&self.engine, &self.compiled, &choice.name, &file, &options.limits).await?;
        check_grants(&choice.name, &options.grants, &loaded)?;
        Ok(Prepared { options, choice: choice.clone(), file, loaded })
    }

    /// A plugin that comes later has to do with what the others may have.
    fn check_room(&self, name: &str, limits: &Limits) -> Result<(), LoadError> {
        let rows = [
            ("memory_bytes_max", limits.memory_bytes_max, self.room.memory_bytes_max),
            ("table_elements_max", limits.table_elements_max, self.room.table_elements_max),
        ];
        match rows.into_iter().find(|(_, wanted, room)| wanted > room) {
            Some((limit, _, room)) => Err(LoadError::new(
                name,
                format!(
                    "cannot have its limits: this host was started with room for `{limit}={room}`; start it with more"
                ),
            )),
            None => Ok(()),
        }
    }
}

/// A component imports nothing of which its plugin is granted nothing.
fn check_grants(name: &str, grants: &Grants, loaded: &Loaded) -> Result<(), LoadError> {
    let missing: Vec<_> = loaded.wants.iter().filter(|(_, grant)| !grants.covers(grant)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let imports: Vec<String> = missing.iter().map(|(import, _)| format!("`{import}`")).collect();
    let some: Vec<String> = missing.iter().map(|(_, grant)| format!("`{name}={grant}`")).collect();
    let none: Vec<String> =
        missing.iter().map(|(_, grant)| format!("`{name}=without:{}`", grants::kind(grant))).collect();
    let problem = format!("imports {}, of which it is granted nothing", imports.join(", "));
    Err(LoadError::new(name, problem).hint(format!(
        "grant it what it needs (`--plugin-grant` with {}), or say that it has to do without (with {})",
        some.join(", "),
        none.join(", ")
    )))
}

fn link_options(choice: &PluginChoice) -> Result<LinkOptions, LoadError> {
    let name = &choice.name;
    let wrong = |problem: String| LoadError::new(name, problem);
    let configuration = choice.config.as_ref().map(std::fs::read_to_string).transpose();
    let configuration =
        configuration.map_err(|error| wrong(format!("has a configuration that cannot be read: {error}")))?;
    let grants = Grants::parse(&choice.grants, |name| std::env::var(name).ok())
        .map_err(|problem| wrong(format!("cannot be granted {problem}")))?;
    let mut limits = Limits::of(name);
    for limit in &choice.limits {
        limits.set(limit).map_err(|problem| wrong(format!("cannot have its limits: {problem}")))?;
    }
    Ok(LinkOptions { name: name.clone(), configuration, grants: Arc::new(grants), limits: Arc::new(limits) })
}

/// What the engine has to have room for: the most that any plugin may have.
fn widest(plugins: &[LinkOptions]) -> Limits {
    plugins.iter().fold(Limits::default(), |widest, LinkOptions { limits, .. }| Limits {
        memory_bytes_max: widest.memory_bytes_max.max(limits.memory_bytes_max),
        table_elements_max: widest.table_elements_max.max(limits.table_elements_max),
        ..widest
    })
}

/// Compiled code is shared by all data directories of a user: it depends on the component and
/// the host alone.
fn open_compiled_cache(data_dir: &Path) -> anyhow::Result<CompiledCache> {
    let home = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    let shared = home.filter(|home| home.is_absolute()).map(|home| home.join("host").join("compiled"));
    if let Some(directory) = &shared {
        match CompiledCache::open(directory) {
            Ok(cache) => return Ok(cache),
            Err(error) => tracing::debug!("compiled code is kept in the data directory: {error}"),
        }
    }
    let directory = data_dir.join("compiled");
    CompiledCache::open(&directory).with_context(|| format!("cannot keep compiled code in `{}`", directory.display()))
}
