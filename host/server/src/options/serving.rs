//! Where the server listens.

use std::net::{IpAddr, Ipv4Addr};

use clap::Args;

use super::check::Checks;
use super::service_range::ServiceRange;
use super::tls::{Tls, TlsOptions};
use crate::limits::Limits;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Secure serving")]
pub struct ServingOptions {
    /// Port that is served with TLS; 0 picks a free one
    #[arg(long, value_name = "PORT", default_value = "6443")]
    pub secure_port: String,

    /// Address on which to listen
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub bind_address: String,

    /// Address that others reach this server at: the endpoint of `default/kubernetes`, in discovery and in the
    /// serving certificate; that of --bind-address if there is none
    #[arg(long, value_name = "IP")]
    pub advertise_address: Option<String>,

    #[command(flatten)]
    pub tls: TlsOptions,

    /// Streams that one HTTP/2 connection may have open
    #[arg(long, value_name = "N", default_value = "100")]
    pub http2_max_streams_per_connection: String,

    /// Addresses that services get: a range, or one of each family; the first address is in the serving certificate
    #[arg(long, value_name = "CIDR[,CIDR]", default_value = "10.0.0.0/24")]
    pub service_cluster_ip_range: String,
}

/// What [`ServingOptions`] say, checked.
#[derive(Debug, Clone)]
pub struct Serving {
    pub bind_address: IpAddr,
    /// Where others reach this server.
    pub public_address: IpAddr,
    pub secure_port: u16,
    pub tls: Tls,
    pub limits: Limits,
    pub service_range: ServiceRange,
}

impl ServingOptions {
    pub(super) fn complete(&self, checks: &mut Checks) -> Serving {
        let bind_address = self.bind_address.parse().unwrap_or_else(|_| {
            checks.error(format!("--bind-address must be an IP address: `{}`", self.bind_address));
            IpAddr::V4(Ipv4Addr::LOCALHOST)
        });
        let advertised = self.advertise_address.as_deref().and_then(|text| {
            let parsed = text.parse();
            if parsed.is_err() {
                checks.error(format!("--advertise-address must be an IP address: `{text}`"));
            }
            parsed.ok().filter(|address: &IpAddr| !address.is_unspecified())
        });
        let public_address = advertised.unwrap_or(bind_address);
        let tls = self.tls.complete(checks);
        let http2_streams_max = checks.number(
            "http2-max-streams-per-connection",
            &self.http2_max_streams_per_connection,
            "a number above 0",
        );
        if self.http2_max_streams_per_connection == "0" {
            checks.error("--http2-max-streams-per-connection must be a number above 0: `0`");
        }
        Serving {
            bind_address,
            public_address,
            secure_port: checks.number("secure-port", &self.secure_port, "a port, 0 to 65535"),
            tls,
            limits: Limits { http2_streams_max, ..Limits::default() },
            service_range: ServiceRange::read(&self.service_cluster_ip_range, public_address, checks),
        }
    }
}
