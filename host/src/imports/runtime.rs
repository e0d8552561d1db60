//! `lifecycle`, `log`, `metrics`, `configuration`, and a guest's standard streams.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use wasmtime::component::Accessor;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::{HasState, State};
use crate::bindings::host::chain::{configuration, lifecycle, log, metrics, types};
use crate::chain::PluginLog;

impl types::Host for State {}

impl lifecycle::Host for State {
    fn has_fired(&mut self, signal: lifecycle::Signal) -> wasmtime::Result<bool> {
        Ok(self.link.services().signals.has_fired(native(signal)))
    }
}

impl lifecycle::HostWithStore<State> for HasState {
    async fn wait(accessor: &Accessor<State, Self>, signal: lifecycle::Signal) -> wasmtime::Result<()> {
        let signals = accessor.with(|mut access| access.get().link.services().signals.clone());
        signals.wait(native(signal)).await;
        Ok(())
    }
}

fn native(signal: lifecycle::Signal) -> host_server::lifecycle::Signal {
    use host_server::lifecycle::Signal;
    match signal {
        lifecycle::Signal::ShutdownInitiated => Signal::ShutdownInitiated,
        lifecycle::Signal::AfterShutdownDelayDuration => Signal::AfterShutdownDelayDuration,
        lifecycle::Signal::PreShutdownHooksStopped => Signal::PreShutdownHooksStopped,
        lifecycle::Signal::NotAcceptingNewRequest => Signal::NotAcceptingNewRequest,
        lifecycle::Signal::InFlightRequestsDrained => Signal::InFlightRequestsDrained,
        lifecycle::Signal::HttpServerStoppedListening => Signal::HttpServerStoppedListening,
        lifecycle::Signal::HasBeenReady => Signal::HasBeenReady,
        lifecycle::Signal::MuxAndDiscoveryComplete => Signal::MuxAndDiscoveryComplete,
    }
}

impl log::Host for State {
    fn log(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.link.log().write(tracing_level(level), &message);
        Ok(())
    }

    fn enabled(&mut self, level: log::Level) -> wasmtime::Result<bool> {
        Ok(tracing_level(level) <= tracing::level_filters::LevelFilter::current())
    }
}

fn tracing_level(level: log::Level) -> tracing::Level {
    match level {
        log::Level::Trace => tracing::Level::TRACE,
        log::Level::Debug => tracing::Level::DEBUG,
        log::Level::Info => tracing::Level::INFO,
        log::Level::Warn => tracing::Level::WARN,
        log::Level::Error => tracing::Level::ERROR,
    }
}

impl metrics::Host for State {
    fn add(&mut self, name: String, labels: Vec<(String, String)>, value: u64) -> wasmtime::Result<()> {
        self.link.metrics().add(&name, labels, value);
        Ok(())
    }

    fn set(&mut self, name: String, labels: Vec<(String, String)>, value: f64) -> wasmtime::Result<()> {
        self.link.metrics().set(&name, labels, value);
        Ok(())
    }

    fn observe(&mut self, name: String, labels: Vec<(String, String)>, seconds: f64) -> wasmtime::Result<()> {
        self.link.metrics().observe(&name, labels, seconds);
        Ok(())
    }
}

impl configuration::Host for State {
    fn get(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(self.link.configuration().map(str::to_string))
    }

    fn plugin_name(&mut self) -> wasmtime::Result<String> {
        Ok(self.link.name().to_string())
    }

    fn fact(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.link.services().facts.get(&name))
    }
}

/// A guest's stdout or stderr: each line becomes a log line of the plugin.
#[derive(Clone)]
pub(super) struct LogStream {
    log: PluginLog,
    level: tracing::Level,
    line: Vec<u8>,
}

impl LogStream {
    pub(super) fn new(log: PluginLog, level: tracing::Level) -> Self {
        Self { log, level, line: Vec::new() }
    }

    fn append(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let full = self.line.len() >= self.log.line_bytes_max();
            if byte == b'\n' || full {
                self.log.write(self.level, &String::from_utf8_lossy(&self.line));
                self.line.clear();
            }
            if byte != b'\n' {
                self.line.push(byte);
            }
        }
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

/// Nobody waits for the log: a panic is told by guests that must not wait, too.
impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.append(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

/// What a guest writes at once.
const WRITE_BYTES_MAX: usize = 64 << 10;

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl tokio::io::AsyncWrite for LogStream {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.append(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for LogStream {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.log.write(self.level, &String::from_utf8_lossy(&self.line));
        }
    }
}
