//! The command line of `host`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use host::{admin, assembly, bounds, load, run, store};
use host_server::KUBERNETES_VERSION;
use host_server::options::{OWN_LINKS, RunOptions, with_config_file};

/// A Kubernetes-style API server whose every chain link is a WebAssembly component.
#[derive(Parser)]
#[command(name = "host", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a chain of plugins
    Run(Box<RunOptions>),
    /// Show the chain of a running host: order, generations, routes, checks, hooks, memory, calls
    Chain(admin::ChainOptions),
    /// Change the chain of a running host
    #[command(subcommand)]
    Plugin(admin::PluginCommand),
    /// Write all that is stored to a file, as of one moment, whether a host serves it or not
    Backup {
        /// The data directory of the host
        #[arg(long, value_name = "DIR", default_value = "host-data")]
        data_dir: PathBuf,
        /// Must not be there yet
        file: PathBuf,
    },
    /// Make a data directory's store from a backup
    Restore {
        /// The data directory, in which there is no store yet
        #[arg(long, value_name = "DIR", default_value = "host-data")]
        data_dir: PathBuf,
        /// Revisions to leave out, so that every client lists anew: more than were written since the backup. 0 goes on
        /// where the backup ends
        #[arg(long, value_name = "N", default_value_t = 1_000_000_000)]
        bump_revision: u64,
        file: PathBuf,
    },
    /// Look at a configuration without running it
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print every bound on what plugins and clients can grow
    Limits,
    /// Compile a component into a file: what `run` does in a process of its own
    #[command(hide = true)]
    Compile { component: PathBuf, output: PathBuf, memory_bytes_max: u64 },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Say everything that is wrong with the options that `run` would get, and end with 1 if there is anything
    Check(Box<RunOptions>),
}

/// `host run` with the default chain, for those who start a kube-apiserver.
#[derive(Parser)]
#[command(name = "Kubernetes", bin_name = KUBE_APISERVER, version = KUBERNETES_VERSION)]
struct KubeApiserver {
    #[command(flatten)]
    options: Box<RunOptions>,
}

const KUBE_APISERVER: &str = "kube-apiserver";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let called = arguments.first().and_then(|name| Path::new(name).file_name());
    if called.is_some_and(|name| name == KUBE_APISERVER) {
        return match parse::<KubeApiserver>(arguments) {
            Ok((mut command, errors)) => {
                command.options.config_errors = errors;
                if command.options.plugins.plugins.is_empty() {
                    command.options.plugins.plugins = OWN_LINKS.iter().map(|link| link.file.to_owned()).collect();
                }
                run::run(&command.options)
            }
            Err(code) => code,
        };
    }
    // `--config` of other commands is another file.
    let serves = arguments.get(1).is_some_and(|command| command == "run" || command == "config");
    let parsed = if serves { parse(arguments) } else { parse_alone(arguments).map(|cli| (cli, Vec::new())) };
    match parsed {
        Ok((Cli { mut command }, errors)) => {
            if let Command::Run(options) | Command::Config(ConfigCommand::Check(options)) = &mut command {
                options.config_errors = errors;
            }
            run_command(command)
        }
        Err(code) => code,
    }
}

/// The command line and the configuration file that it names, and what is wrong with that file.
fn parse<C: Parser>(arguments: Vec<OsString>) -> Result<(C, Vec<String>), ExitCode> {
    let (arguments, errors) = with_config_file(&C::command(), arguments);
    parse_alone(arguments).map(|command| (command, errors))
}

fn parse_alone<C: Parser>(arguments: Vec<OsString>) -> Result<C, ExitCode> {
    C::try_parse_from(arguments).map_err(|error| {
        let _ = error.print();
        // As kube-apiserver: a wrong flag is exit code 1; help is none of it.
        if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    })
}

fn run_command(command: Command) -> ExitCode {
    match command {
        Command::Run(options) => run::run(&options),
        Command::Chain(options) => admin::chain(&options),
        Command::Plugin(command) => admin::plugin(command),
        Command::Backup { data_dir, file } => done(host_store::backup(&data_dir.join(store::DIRECTORY), &file)),
        Command::Restore { data_dir, bump_revision, file } => {
            done(host_store::restore(&file, &data_dir.join(store::DIRECTORY), bump_revision))
        }
        Command::Config(ConfigCommand::Check(options)) => check(&options),
        Command::Limits => limits(),
        Command::Compile { component, output, memory_bytes_max } => compile(&component, &output, memory_bytes_max),
    }
}

/// Says what a backup holds, once it was read back.
fn done(result: Result<host_store::Summary, host_store::BackupError>) -> ExitCode {
    match result {
        Ok(backup) => {
            println!("{} records up to revision {}, read back and verified", backup.records, backup.revision);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn check(options: &RunOptions) -> ExitCode {
    match options.complete_with(|plugins| assembly::check(plugins, assembly::Look::AtFiles)) {
        Ok(config) => {
            config.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
            println!("the configuration is valid");
            ExitCode::SUCCESS
        }
        Err(errors) => {
            eprintln!("{errors}");
            ExitCode::FAILURE
        }
    }
}

fn limits() -> ExitCode {
    use std::io::Write;
    // Nobody reads any further: `host limits | head`.
    let _ = std::io::stdout().write_all(bounds::text().as_bytes());
    ExitCode::SUCCESS
}

fn compile(component: &Path, output: &Path, memory_bytes_max: u64) -> ExitCode {
    match load::compile_to_file(component, output, memory_bytes_max) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
