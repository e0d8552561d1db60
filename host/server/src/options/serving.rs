//! Where and with which certificates the server listens.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::Args;

use super::check::{Checks, absolute};
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

    /// PEM file with the serving certificate and the chain behind it; without one the host makes its own
    #[arg(long, value_name = "FILE")]
    pub tls_cert_file: Option<PathBuf>,

    /// PEM file with the key of --tls-cert-file
    #[arg(long, value_name = "FILE")]
    pub tls_private_key_file: Option<PathBuf>,

    /// Oldest version of TLS that is accepted: VersionTLS12 or VersionTLS13
    #[arg(long, value_name = "VERSION", default_value = "VersionTLS12")]
    pub tls_min_version: String,

    /// Streams that one HTTP/2 connection may have open
    #[arg(long, value_name = "N", default_value = "100")]
    pub http2_max_streams_per_connection: String,

    /// Addresses that services get; the first one is in the serving certificate
    #[arg(long, value_name = "CIDR", default_value = "10.0.0.0/24")]
    pub service_cluster_ip_range: String,
}

/// What [`ServingOptions`] say, checked.
#[derive(Debug, Clone)]
pub struct Serving {
    pub bind_address: IpAddr,
    pub secure_port: u16,
    /// Certificate and key. Without them the data directory's own are used.
    pub certificate: Option<(PathBuf, PathBuf)>,
    pub tls_13_only: bool,
    pub limits: Limits,
    pub service_range: ServiceRange,
}

/// The addresses that services get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRange {
    pub cidr: String,
    /// The address of the service `kubernetes`.
    pub first: IpAddr,
}

impl ServingOptions {
    pub(super) fn complete(&self, checks: &mut Checks) -> Serving {
        let bind_address = self.bind_address.parse().unwrap_or_else(|_| {
            checks.error(format!("--bind-address must be an IP address: `{}`", self.bind_address));
            IpAddr::V4(Ipv4Addr::LOCALHOST)
        });
        let certificate = self.certificate(checks);
        let tls_13_only = match self.tls_min_version.as_str() {
            "VersionTLS12" => false,
            "VersionTLS13" => true,
            other => {
                checks.error(format!("--tls-min-version must be `VersionTLS12` or `VersionTLS13`: `{other}`"));
                false
            }
        };
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
            secure_port: checks.number("secure-port", &self.secure_port, "a port, 0 to 65535"),
            certificate,
            tls_13_only,
            limits: Limits { http2_streams_max, ..Limits::default() },
            service_range: self.service_range(checks),
        }
    }

    fn certificate(&self, checks: &mut Checks) -> Option<(PathBuf, PathBuf)> {
        let (certificate_flag, key_flag) = ("tls-cert-file", "tls-private-key-file");
        let missing =
            |given, missing| format!("--{given} needs --{missing}: a certificate is of no use without its key");
        match (&self.tls_cert_file, &self.tls_private_key_file) {
            (Some(certificate), Some(key)) => {
                checks.file(certificate_flag, certificate);
                checks.file(key_flag, key);
                return Some((absolute(certificate), absolute(key)));
            }
            (Some(_), None) => checks.error(missing(certificate_flag, key_flag)),
            (None, Some(_)) => checks.error(missing(key_flag, certificate_flag)),
            (None, None) => {}
        }
        None
    }

    fn service_range(&self, checks: &mut Checks) -> ServiceRange {
        let cidr = &self.service_cluster_ip_range;
        let first = parse_cidr(cidr).unwrap_or_else(|| {
            checks.error(format!(
                "--service-cluster-ip-range must be a range of at least 8 addresses such as `10.0.0.0/24`: `{cidr}`"
            ));
            IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        });
        ServiceRange { cidr: cidr.clone(), first }
    }
}

/// The first usable address of a range: the one after the network's own.
fn parse_cidr(cidr: &str) -> Option<IpAddr> {
    let (address, length) = cidr.split_once('/')?;
    let length: u32 = length.parse().ok()?;
    match address.parse().ok()? {
        IpAddr::V4(address) if length <= 29 => {
            let network = if length == 0 { 0 } else { u32::from(address) >> (32 - length) << (32 - length) };
            Some(IpAddr::V4((network + 1).into()))
        }
        IpAddr::V6(address) if length <= 125 => {
            let network = if length == 0 { 0 } else { u128::from(address) >> (128 - length) << (128 - length) };
            Some(IpAddr::V6((network + 1).into()))
        }
        _ => None,
    }
}
