//! Which plugins make the chain, in which order, and what each is given.

use std::path::{Path, PathBuf};

use clap::Args;

use super::OwnLink;
use super::check::{Checks, absolute};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Plugins")]
pub struct PluginOptions {
    /// A link of the chain, innermost first; repeat it for each. The name is the file's if none is given
    #[arg(long = "plugin", value_name = "[NAME=]PATH")]
    pub plugins: Vec<String>,

    /// Where bare file names are looked for, before `plugins` beside the executable
    #[arg(long, value_name = "DIR")]
    pub plugin_dir: Option<PathBuf>,

    /// Configuration that a plugin reads; repeatable, once for each plugin
    #[arg(long = "plugin-config", value_name = "NAME=FILE")]
    pub plugin_configs: Vec<String>,

    /// What a plugin may use beside the chain; repeatable. Nothing is granted by default, but `tokens` to `core`
    #[arg(long = "plugin-grant", value_name = "NAME=GRANT")]
    pub plugin_grants: Vec<String>,

    /// A bound of a plugin in place of the default, which `host limits` prints; repeatable
    #[arg(long = "plugin-limit", value_name = "NAME=LIMIT=VALUE")]
    pub plugin_limits: Vec<String>,

    /// Admission that plugins leave out unless it is named: ServiceAccount
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub enable_admission_plugins: Vec<String>,

    /// For development: put a plugin whose file changes into the place of the one that runs
    #[arg(long)]
    pub watch: bool,
}

/// What plugins ask for; the rest is on, or is not there.
const OPTIONAL_ADMISSION: [&str; 1] = ["ServiceAccount"];

/// What [`PluginOptions`] say, checked.
#[derive(Debug, Clone)]
pub struct Plugins {
    /// Innermost first, as given.
    pub links: Vec<PluginChoice>,
    pub dir: Option<PathBuf>,
    /// What else they are to admit by.
    pub admission: Vec<String>,
    /// Plugins whose files change are swapped.
    pub watch: bool,
}

/// One link, as the operator chose it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginChoice {
    pub name: String,
    /// As typed: where it is looked for is the loader's business.
    pub path: PathBuf,
    pub config: Option<PathBuf>,
    pub grants: Vec<String>,
    /// `LIMIT=VALUE`.
    pub limits: Vec<String>,
}

impl PluginOptions {
    pub(super) fn complete(&self, checks: &mut Checks) -> Plugins {
        let mut links: Vec<PluginChoice> = Vec::new();
        if self.plugins.is_empty() {
            checks.error("--plugin must be given at least once: a chain has at least one link");
        }
        for text in &self.plugins {
            let choice = PluginChoice::parse(text);
            let (name, path) = (&choice.name, &choice.path);
            if !PluginChoice::is_name(name) {
                checks.error(format!(
                    "--plugin needs a name of lower-case letters, digits and `-`: `{text}`; write `NAME={}`",
                    path.display()
                ));
            } else if let Some(other) = links.iter().find(|link| link.name == *name) {
                checks.error(format!(
                    "--plugin has two links named `{name}`: `{}` and `{}`; give one another name with `NAME=PATH`",
                    other.path.display(),
                    path.display()
                ));
            }
            links.push(choice);
        }
        for text in &self.plugin_configs {
            let Some((name, file)) = checks.pair("plugin-config", text) else { continue };
            let file = PathBuf::from(file);
            checks.file("plugin-config", &file);
            match find(&mut links, &name) {
                Some(PluginChoice { config: Some(_), .. }) => {
                    checks.error(format!("--plugin-config is given twice for `{name}`"));
                }
                Some(link) => link.config = Some(absolute(&file)),
                None => checks.error(format!("--plugin-config names `{name}`, which no --plugin has")),
            }
        }
        for text in &self.plugin_grants {
            let Some((name, grant)) = checks.pair("plugin-grant", text) else { continue };
            match find(&mut links, &name) {
                Some(link) => link.grants.push(grant),
                None => checks.error(format!("--plugin-grant names `{name}`, which no --plugin has")),
            }
        }
        for text in &self.plugin_limits {
            let Some((name, limit)) = checks.pair("plugin-limit", text) else { continue };
            match find(&mut links, &name) {
                Some(link) => link.limits.push(limit),
                None => checks.error(format!("--plugin-limit names `{name}`, which no --plugin has")),
            }
        }
        if let Some(dir) = self.plugin_dir.as_deref().filter(|dir| !dir.is_dir()) {
            checks.error(format!("--plugin-dir is not a directory: `{}`", dir.display()));
        }
        let (admission, others): (Vec<_>, Vec<_>) =
            self.enable_admission_plugins.iter().cloned().partition(|name| OPTIONAL_ADMISSION.contains(&name.as_str()));
        if !others.is_empty() {
            let others = others.join(",");
            checks.warn(format!(
                "--enable-admission-plugins={others} has no effect: what else is admitted is up to the plugins"
            ));
        }
        Plugins { links, dir: self.plugin_dir.as_deref().map(absolute), admission, watch: self.watch }
    }
}

fn find<'a>(links: &'a mut [PluginChoice], name: &str) -> Option<&'a mut PluginChoice> {
    links.iter_mut().find(|link| link.name == name)
}

impl PluginChoice {
    /// `NAME=PATH`, or a path whose file name without its ending is the name.
    pub fn parse(text: &str) -> Self {
        let (name, path) = match text.split_once('=') {
            // A path may hold `=` too, but then the part before it has a separator or a dot.
            Some((name, path)) if !name.contains(['/', '.']) => (name.to_owned(), path.into()),
            _ => {
                let stem = Path::new(text).file_stem().map(|stem| stem.to_string_lossy().into_owned());
                (stem.unwrap_or_default().replace('_', "-").to_lowercase(), text.into())
            }
        };
        let grants = OwnLink::named(&name).map_or(&[][..], |own| own.grants);
        Self {
            grants: grants.iter().map(|grant| (*grant).to_owned()).collect(),
            name,
            path,
            config: None,
            limits: Vec::new(),
        }
    }

    /// What may stand in metric labels, health check names and file names alike.
    pub fn is_name(name: &str) -> bool {
        !name.is_empty()
            && name.len() <= 63
            && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
            && !name.starts_with('-')
            && !name.ends_with('-')
    }
}
