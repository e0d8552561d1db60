//! The command line of `host`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use host::limits::Limits;
use host::{load, run};
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
        Command::Limits => limits(),
        Command::Compile { component, output, memory_bytes_max } => compile(&component, &output, memory_bytes_max),
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
