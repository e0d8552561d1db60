//! WASI's streams and pollables where nobody waits: for instances that answer immediately.
//!
//! What a guest writes to its log is taken at once, and there is no more to most of its calls. Where one
//! would have to wait, it is an error; but in `init`, which has a thread of its own.

use futures::FutureExt;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};
use wasmtime::Result;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p2::bindings::io as waiting;
use wasmtime_wasi::p2::bindings::sync::io::{poll, streams};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, StreamError, StreamResult};

use super::State;

/// A guest calls what would have to wait, where nothing does.
#[derive(Debug, thiserror::Error)]
#[error("it waits in `immediate.answer`")]
pub struct Waits;

/// Links these in the place of those that block their thread.
///
/// # Errors
/// If the linker does not take them.
pub fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    fn unwaited(state: &mut State) -> Unwaited<'_> {
        let until = state.init_until;
        Unwaited { table: state.ctx().table, until }
    }
    poll::add_to_linker::<State, HasUnwaited>(linker, unwaited)?;
    streams::add_to_linker::<State, HasUnwaited>(linker, unwaited)
}

struct HasUnwaited;

impl HasData for HasUnwaited {
    type Data<'a> = Unwaited<'a>;
}

struct Unwaited<'a> {
    table: &'a mut ResourceTable,
    /// How long this thread may be blocked, if it is not one of the runtime's.
    until: Option<Instant>,
}

/// What the future gives without waiting.
fn now<T>(until: Option<Instant>, future: impl Future<Output = T>) -> Result<T, Waits> {
    match until {
        Some(until) => Handle::current().block_on(async { timeout_at(until, future).await }).map_err(|_| Waits),
        None => future.now_or_never().ok_or(Waits),
    }
}

fn stream_now<T>(until: Option<Instant>, future: impl Future<Output = StreamResult<T>>) -> StreamResult<T> {
    now(until, future).map_err(|waits| StreamError::Trap(waits.into()))?
}

impl poll::Host for Unwaited<'_> {
    fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> Result<Vec<u32>> {
        now(self.until, waiting::poll::Host::poll(self.table, pollables))?
    }
}

impl poll::HostPollable for Unwaited<'_> {
    fn ready(&mut self, pollable: Resource<DynPollable>) -> Result<bool> {
        now(self.until, waiting::poll::HostPollable::ready(self.table, pollable))?
    }

    fn block(&mut self, pollable: Resource<DynPollable>) -> Result<()> {
        now(self.until, waiting::poll::HostPollable::block(self.table, pollable))?
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> Result<()> {
        waiting::poll::HostPollable::drop(self.table, pollable)
    }
}

impl streams::Host for Unwaited<'_> {
    fn convert_stream_error(&mut self, error: StreamError) -> Result<streams::StreamError> {
        Ok(waiting::streams::Host::convert_stream_error(self.table, error)?.into())
    }
}

impl streams::HostInputStream for Unwaited<'_> {
    fn read(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<Vec<u8>> {
        waiting::streams::HostInputStream::read(self.table, stream, len)
    }

    fn blocking_read(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<Vec<u8>> {
        stream_now(self.until, waiting::streams::HostInputStream::blocking_read(self.table, stream, len))
    }

    fn skip(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<u64> {
        waiting::streams::HostInputStream::skip(self.table, stream, len)
    }

    fn blocking_skip(&mut self, stream: Resource<DynInputStream>, len: u64) -> StreamResult<u64> {
        stream_now(self.until, waiting::streams::HostInputStream::blocking_skip(self.table, stream, len))
    }

    fn subscribe(&mut self, stream: Resource<DynInputStream>) -> Result<Resource<DynPollable>> {
        waiting::streams::HostInputStream::subscribe(self.table, stream)
    }

    fn drop(&mut self, stream: Resource<DynInputStream>) -> Result<()> {
        now(self.until, waiting::streams::HostInputStream::drop(self.table, stream))?
    }
}

impl streams::HostOutputStream for Unwaited<'_> {
    fn check_write(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<u64> {
        waiting::streams::HostOutputStream::check_write(self.table, stream)
    }

    fn write(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        waiting::streams::HostOutputStream::write(self.table, stream, bytes)
    }

    fn blocking_write_and_flush(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        stream_now(self.until, waiting::streams::HostOutputStream::blocking_write_and_flush(self.table, stream, bytes))
    }

    fn blocking_write_zeroes_and_flush(&mut self, stream: Resource<DynOutputStream>, len: u64) -> StreamResult<()> {
        stream_now(
            self.until,
            waiting::streams::HostOutputStream::blocking_write_zeroes_and_flush(self.table, stream, len),
        )
    }

    fn subscribe(&mut self, stream: Resource<DynOutputStream>) -> Result<Resource<DynPollable>> {
        waiting::streams::HostOutputStream::subscribe(self.table, stream)
    }

    fn write_zeroes(&mut self, stream: Resource<DynOutputStream>, len: u64) -> StreamResult<()> {
        waiting::streams::HostOutputStream::write_zeroes(self.table, stream, len)
    }

    fn flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        waiting::streams::HostOutputStream::flush(self.table, stream)
    }

    fn blocking_flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        stream_now(self.until, waiting::streams::HostOutputStream::blocking_flush(self.table, stream))
    }

    fn splice(&mut self, to: Resource<DynOutputStream>, from: Resource<DynInputStream>, len: u64) -> StreamResult<u64> {
        waiting::streams::HostOutputStream::splice(self.table, to, from, len)
    }

    fn blocking_splice(
        &mut self,
        to: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        len: u64,
    ) -> StreamResult<u64> {
        stream_now(self.until, waiting::streams::HostOutputStream::blocking_splice(self.table, to, from, len))
    }

    fn drop(&mut self, stream: Resource<DynOutputStream>) -> Result<()> {
        now(self.until, waiting::streams::HostOutputStream::drop(self.table, stream))?
    }
}
