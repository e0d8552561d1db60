//! Where the spans of requests go.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use super::check::Checks;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Tracing")]
pub struct TracingOptions {
    /// File with a TracingConfiguration: the collector that gets spans of requests over OTLP, and how many
    #[arg(long, value_name = "FILE")]
    pub tracing_config_file: Option<PathBuf>,
}

/// What [`TracingOptions`] say, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracing {
    /// `HOST:PORT` of a collector that speaks OTLP over gRPC.
    pub endpoint: String,
    /// Of requests that no privileged caller says to trace.
    pub sampled_per_million: u32,
}

impl TracingOptions {
    /// Nothing if nobody is to be traced.
    pub(super) fn complete(&self, checks: &mut Checks) -> Option<Tracing> {
        let path = self.tracing_config_file.as_deref()?;
        match read(path) {
            Ok(tracing) => Some(tracing),
            Err(reason) => {
                checks.error(format!("--tracing-config-file cannot be used: `{}`: {reason}", path.display()));
                None
            }
        }
    }
}

/// As kube-apiserver has it. A field that it does not know is an error.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TracingConfiguration {
    api_version: String,
    kind: String,
    endpoint: Option<String>,
    sampling_rate_per_million: Option<i64>,
}

const VERSIONS: [&str; 3] =
    ["apiserver.config.k8s.io/v1", "apiserver.config.k8s.io/v1beta1", "apiserver.k8s.io/v1beta1"];

fn read(path: &Path) -> Result<Tracing, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let config: TracingConfiguration = serde_saphyr::from_str(&text).map_err(|error| error.to_string())?;
    if config.kind != "TracingConfiguration" || !VERSIONS.contains(&config.api_version.as_str()) {
        let (kind, version) = (config.kind, config.api_version);
        return Err(format!("it is a `{kind}` of `{version}` and no `TracingConfiguration` of `{}`", VERSIONS[0]));
    }
    let sampled = config.sampling_rate_per_million.unwrap_or_default();
    let sampled_per_million = u32::try_from(sampled).ok().filter(|sampled| *sampled <= 1_000_000);
    Ok(Tracing {
        endpoint: endpoint(config.endpoint.as_deref().unwrap_or("localhost:4317"))?,
        sampled_per_million: sampled_per_million
            .ok_or_else(|| format!("samplingRatePerMillion must be a number from 0 to 1000000: `{sampled}`"))?,
    })
}

/// gRPC's names of addresses, as far as they name a host.
fn endpoint(text: &str) -> Result<String, String> {
    let address = text.strip_prefix("dns:").unwrap_or(text).trim_start_matches('/');
    match address.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok() => {
            Ok(address.to_owned())
        }
        _ => Err(format!("endpoint must have the form `HOST:PORT`: `{text}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_read_or_an_error_says_why() {
        let known = "apiVersion: apiserver.config.k8s.io/v1\nkind: TracingConfiguration\n";
        let tracing =
            |endpoint: &str, sampled_per_million| Tracing { endpoint: endpoint.to_owned(), sampled_per_million };
        let cases = [
            (known.to_owned(), Ok(tracing("localhost:4317", 0))),
            (format!("{known}endpoint: dns:///otel:4317\nsamplingRatePerMillion: 100"), Ok(tracing("otel:4317", 100))),
            (format!("{known}endpoint: '[::1]:4317'"), Ok(tracing("[::1]:4317", 0))),
            (
                format!("{known}endpoint: unix:///run/otel"),
                Err("endpoint must have the form `HOST:PORT`: `unix:///run/otel`"),
            ),
            (
                format!("{known}samplingRatePerMillion: 1000001"),
                Err("samplingRatePerMillion must be a number from 0 to 1000000: `1000001`"),
            ),
            (
                "apiVersion: v1\nkind: Pod".to_owned(),
                Err("it is a `Pod` of `v1` and no `TracingConfiguration` of `apiserver.config.k8s.io/v1`"),
            ),
        ];
        for (text, expected) in cases {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &text).unwrap();
            assert_eq!(read(file.path()), expected.map_err(str::to_owned), "{text}");
        }
    }
}
