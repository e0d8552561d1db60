//! The command line of `host`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use host::limits::Limits;
use host::{load, run, store};
use host_server::options::RunOptions;

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
    /// Print every bound on what plugins and clients can grow
    Limits,
    /// Compile a component into a file: what `run` does in a process of its own
    #[command(hide = true)]
    Compile { component: PathBuf, output: PathBuf, memory_bytes_max: u64 },
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            // As kube-apiserver: a wrong flag is exit code 1; help is none of it.
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    match cli.command {
        Command::Run(options) => run::run(&options),
        Command::Backup { data_dir, file } => done(host_store::backup(&data_dir.join(store::DIRECTORY), &file)),
        Command::Restore { data_dir, bump_revision, file } => {
            done(host_store::restore(&file, &data_dir.join(store::DIRECTORY), bump_revision))
        }
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

fn limits() -> ExitCode {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let plugins = Limits::default().rows();
    let (clients, store) = (host_server::Limits::default().rows(), host_store::Limits::default().rows());
    for (name, value) in plugins.into_iter().chain(clients).chain(store) {
        // Nobody reads any further: `host limits | head`.
        if writeln!(out, "{name:<32} {value}").is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}

fn compile(component: &std::path::Path, output: &std::path::Path, memory_bytes_max: u64) -> ExitCode {
    match load::compile_to_file(component, output, memory_bytes_max) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
