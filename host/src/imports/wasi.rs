//! WASI as a plugin sees it: clocks, randomness and standard streams, and of directories, the
//! network and the environment what is granted.

use std::net::SocketAddr;
use std::sync::Arc;

use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder};

use super::runtime::LogStream;
use crate::chain::{Conduct, Fault, Link};
use crate::grants::Grants;

/// # Errors
/// If a directory that is granted cannot be opened.
pub(super) fn context(link: &Link) -> wasmtime::Result<WasiCtx> {
    let grants = link.options().grants.clone();
    let mut builder = WasiCtxBuilder::new();
    builder.stdout(LogStream::new(link.log().clone(), tracing::Level::INFO));
    builder.stderr(LogStream::new(link.log().clone(), tracing::Level::WARN));
    builder.max_random_size(link.limits().random_bytes_max);
    builder.envs(&grants.variables);
    for directory in &grants.directories {
        let access = if directory.writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
        builder.preopened_dir(&directory.path, &directory.shown_as, access)?;
    }
    // Each address passes the check, so that one that is denied is named.
    builder.allow_tcp(true);
    builder.allow_ip_name_lookup(!grants.network.is_empty());
    let (conduct, plugin): (_, Arc<str>) = (link.conduct().clone(), link.name().into());
    builder.socket_addr_check(move |address, what| {
        let (grants, conduct, plugin) = (grants.clone(), conduct.clone(), plugin.clone());
        Box::pin(async move { may_use(&grants, &conduct, &plugin, address, what).await })
    });
    Ok(builder.build())
}

async fn may_use(grants: &Grants, conduct: &Conduct, plugin: &str, address: SocketAddr, what: SocketAddrUse) -> bool {
    match what {
        SocketAddrUse::TcpConnect if grants.connects(address).await => true,
        // A connection has an end here, too, that the system chooses.
        SocketAddrUse::TcpBind if address.ip().is_unspecified() && address.port() == 0 => true,
        SocketAddrUse::TcpConnect => {
            let text = format!(
                "`{address}` is not granted to plugin `{plugin}`: start with `--plugin-grant {plugin}=net:{address}`"
            );
            conduct.fault(Fault::Grant, &text);
            false
        }
        other => {
            conduct.fault(Fault::Grant, &format!("`{other:?}` of `{address}` cannot be granted: plugins only connect"));
            false
        }
    }
}
