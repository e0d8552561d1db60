//! `host plugin` and `host chain`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use host_server::options::PluginChoice;
use http::Method;

use super::client::ask;
use super::message::{Add, Chain, Swap};
use super::table::{mebibytes, table};
use crate::assembly::{LinkReport, Swapped};

/// Which host is asked.
#[derive(Debug, Args)]
pub struct Target {
    /// The data directory of the running host
    #[arg(long, value_name = "DIR", default_value = "host-data")]
    data_dir: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Put another component into the place of one that serves; requests and watches go on
    Swap {
        name: String,
        path: PathBuf,
        #[command(flatten)]
        target: Target,
    },
    /// Add a link to the chain that serves, as the outermost unless you say otherwise
    Add {
        /// The name is the file's if none is given
        #[arg(value_name = "[NAME=]PATH")]
        plugin: String,
        /// It is offered requests just before this link is
        #[arg(long, value_name = "NAME", conflicts_with = "after")]
        before: Option<String>,
        /// It is offered what this link passes on
        #[arg(long, value_name = "NAME")]
        after: Option<String>,
        /// Configuration that it reads
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// What it may use beside the chain; repeatable
        #[arg(long = "grant", value_name = "GRANT")]
        grants: Vec<String>,
        /// A bound in place of the default, which `host limits` prints; repeatable
        #[arg(long = "limit", value_name = "LIMIT=VALUE")]
        limits: Vec<String>,
        #[command(flatten)]
        target: Target,
    },
    /// Take a link out of the chain that serves; what it stored stays
    Remove {
        name: String,
        #[command(flatten)]
        target: Target,
    },
    /// List the plugins of the chain with their files
    Ls {
        #[command(flatten)]
        target: Target,
    },
}

#[derive(Debug, Args)]
pub struct ChainOptions {
    #[command(flatten)]
    target: Target,
    /// How it is written
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

/// `host plugin ...`.
pub fn plugin(command: PluginCommand) -> ExitCode {
    finish(match command {
        PluginCommand::Swap { name, path, target } => swap(&target, &name, &path),
        PluginCommand::Add { plugin, before, after, config, grants, limits, target } => {
            let PluginChoice { name, path, grants: own, .. } = PluginChoice::parse(&plugin);
            let config = config.map(|file| absolute(&file));
            let grants = [own, grants].concat();
            add(&target, &Add { name, path: absolute(&path), config, grants, limits, before, after })
        }
        PluginCommand::Remove { name, target } => remove(&target, &name),
        PluginCommand::Ls { target } => chain_of(&target).map(|chain| list(&chain.links)),
    })
}

/// `host chain`.
pub fn chain(options: &ChainOptions) -> ExitCode {
    finish(chain_of(&options.target).map(|chain| match options.output {
        Output::Table => describe(&chain.links),
        Output::Json => serde_json::to_string_pretty(&chain).expect("it came as JSON") + "\n",
    }))
}

fn finish(result: Result<String, String>) -> ExitCode {
    use std::io::Write;
    match result {
        Ok(text) => {
            // Nobody reads any further: `host chain | head`.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn swap(target: &Target, name: &str, path: &Path) -> Result<String, String> {
    let message = Swap { path: absolute(path) };
    let swapped: Swapped = ask(&target.data_dir, Method::POST, &format!("/plugins/{name}/swap"), Some(&message))?;
    let Swapped { plugin, generation, before, difference, probation_ms } = swapped;
    Ok(format!(
        "plugin `{plugin}`: generation {generation} serves in place of {before}, which comes back if it fails within \
         {probation_ms} ms\n{difference}"
    ))
}

fn add(target: &Target, message: &Add) -> Result<String, String> {
    let link: LinkReport = ask(&target.data_dir, Method::POST, "/plugins", Some(message))?;
    Ok(format!("plugin `{}`: generation {} serves as a link of the chain\n", link.name, link.generation))
}

fn remove(target: &Target, name: &str) -> Result<String, String> {
    let () = ask(&target.data_dir, Method::DELETE, &format!("/plugins/{name}"), None::<&()>)?;
    Ok(format!("plugin `{name}` is not a link of the chain any more\n"))
}

fn chain_of(target: &Target) -> Result<Chain, String> {
    ask(&target.data_dir, Method::GET, "/chain", None::<&()>)
}

/// Where the file is for the host, which may run in another directory. A bare name that is not
/// here is one that the host looks for among its plugins.
fn absolute(path: &Path) -> PathBuf {
    match path.components().count() == 1 && !path.exists() {
        true => path.to_path_buf(),
        false => std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()),
    }
}

fn list(links: &[LinkReport]) -> String {
    let heading = ["NAME", "GENERATION", "STATE", "SHA-256", "FILE"].map(str::to_string).to_vec();
    let rows = links.iter().map(|link| {
        let digest = link.digest.chars().take(12).collect();
        vec![link.name.clone(), link.generation.to_string(), link.state.clone(), digest, link.file.clone()]
    });
    table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
}

/// The chain in the order in which requests are offered to it.
fn describe(links: &[LinkReport]) -> String {
    let heading =
        ["ORDER", "NAME", "GENERATION", "STATE", "ROUTES", "CHECKS", "HOOKS", "INSTANCES", "MEMORY", "CALLS", "FAILED"];
    let rows = links.iter().enumerate().map(|(position, link)| {
        let ready = link.hooks.iter().filter(|hook| hook.ready).count();
        vec![
            (position + 1).to_string(),
            link.name.clone(),
            link.generation.to_string(),
            link.state.clone(),
            link.routes.to_string(),
            link.checks.len().to_string(),
            format!("{ready}/{}", link.hooks.len()),
            link.instances.to_string(),
            mebibytes(link.memory_bytes),
            (link.calls_answered + link.calls_failed).to_string(),
            link.calls_failed.to_string(),
        ]
    });
    table(&std::iter::once(heading.map(str::to_string).to_vec()).chain(rows).collect::<Vec<_>>())
}
