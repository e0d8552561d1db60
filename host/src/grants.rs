//! What an operator grants a plugin beside the chain, by name: `--plugin-grant NAME=KIND:WHAT`.
//!
//! Nothing is granted by default. A component that imports a kind of which its plugin is granted
//! nothing is not loaded, unless the operator says that it has to do without; what it then asks for
//! is denied, as is what lies outside of its grants, and the log says how to grant it.

use std::net::SocketAddr;
use std::path::PathBuf;

/// All that one plugin is granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// Where its answers may be forwarded to: `HOST:PORT`, `HOST` or `*`.
    pub proxy: Vec<String>,
    pub directories: Vec<Directory>,
    /// Environment variables.
    pub variables: Vec<(String, String)>,
    /// Where it may open TCP connections to: `HOST:PORT` or `*`.
    pub network: Vec<String>,
    /// Whom it may ask over HTTP: `HOST:PORT`, `HOST` or `*`.
    pub http: Vec<String>,
    /// It may have tokens of service accounts made, and learn whose tokens are.
    pub tokens: bool,
    /// What it may import and gets nothing of: `dir`, `net`, `http` or `tokens`.
    pub without: Vec<String>,
}

/// A directory that a plugin sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    pub path: PathBuf,
    /// Where the plugin sees it.
    pub shown_as: String,
    pub writable: bool,
}

/// What can be granted, for messages.
pub const KINDS: &str = "`proxy:HOST:PORT`, `http:HOST`, `net:HOST:PORT`, `dir:PATH`, `dir-rw:PATH`, `env:NAME` and \
    `tokens` can be, and `without:KIND` says that the plugin has to do without";

/// What a component may import only where its plugin is granted some of it, or told to do without.
const IMPORTED: [&str; 4] = ["dir", "net", "http", "tokens"];

impl Grants {
    /// Reads grants as they were typed. `variable` gives the values of the host's own environment.
    ///
    /// # Errors
    /// At the first that cannot be granted: why.
    pub fn parse(texts: &[String], variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut grants = Self::default();
        for text in texts {
            if text == "tokens" {
                grants.tokens = true;
                continue;
            }
            let (kind, what) = text.split_once(':').filter(|(_, what)| !what.is_empty()).unwrap_or(("", ""));
            match kind {
                "proxy" => grants.proxy.push(what.to_string()),
                "http" => grants.http.push(host(what)?),
                "net" => grants.network.push(destination(what)?),
                "dir" => grants.directories.push(directory(what, false)?),
                "dir-rw" => grants.directories.push(directory(what, true)?),
                "without" if IMPORTED.contains(&what) => grants.without.push(what.to_string()),
                "env" => grants.variables.push(match what.split_once('=') {
                    Some((name, value)) => (name.to_string(), value.to_string()),
                    None => {
                        let value = variable(what).ok_or_else(|| format!("`{text}`: the host has no such variable"))?;
                        (what.to_string(), value)
                    }
                }),
                _ => return Err(format!("`{text}`: {KINDS}")),
            }
        }
        Ok(grants)
    }

    /// Whether a component that imports what needs this grant (`dir:PATH`, `tokens`) may be loaded:
    /// something of the kind is granted, or it has to do without.
    pub fn covers(&self, grant: &str) -> bool {
        let kind = kind(grant);
        let granted = match kind {
            "dir" => !self.directories.is_empty(),
            "net" => !self.network.is_empty(),
            "http" => !self.http.is_empty(),
            "tokens" => self.tokens,
            _ => false,
        };
        granted || self.without.iter().any(|without| without == kind)
    }

    /// Whether a TCP connection to an address is granted: by its number, or by a name that it has
    /// now.
    pub async fn connects(&self, address: SocketAddr) -> bool {
        for granted in &self.network {
            if granted == "*" || granted.parse() == Ok(address) {
                return true;
            }
            let mut named = tokio::net::lookup_host(granted).await.into_iter().flatten();
            if named.any(|other| other == address) {
                return true;
            }
        }
        false
    }
}

/// The kind of a grant: what stands before its `:`.
pub fn kind(grant: &str) -> &str {
    grant.split_once(':').map_or(grant, |(kind, _)| kind)
}

/// `HOST`, with a port or without.
fn host(text: &str) -> Result<String, String> {
    match text.contains(['/', '@', '?']) {
        true => {
            Err(format!("`http:{text}`: a host is needed, with a port or without, `http:HOST` or `http:HOST:PORT`"))
        }
        false => Ok(text.to_string()),
    }
}

fn destination(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').and_then(|(host, port)| port.parse::<u16>().ok().filter(|_| !host.is_empty()));
    if text == "*" || port.is_some() {
        return Ok(text.to_string());
    }
    Err(format!("`net:{text}`: a host and a port are needed, `net:HOST:PORT`"))
}

/// `PATH`, or `PATH=SHOWN_AS`.
fn directory(text: &str, writable: bool) -> Result<Directory, String> {
    let (path, shown_as) = text.rsplit_once('=').unwrap_or((text, text));
    let path = PathBuf::from(path);
    match path.metadata() {
        Ok(there) if there.is_dir() => Ok(Directory { path, shown_as: shown_as.to_string(), writable }),
        Ok(_) => Err(format!("`{}` is not a directory", path.display())),
        Err(error) => Err(format!("`{}` cannot be opened: {error}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(texts: &[&str]) -> Result<Grants, String> {
        let texts: Vec<String> = texts.iter().map(|text| text.to_string()).collect();
        Grants::parse(&texts, |name| (name == "HOME").then(|| "/home/a".to_string()))
    }

    #[test]
    fn nothing_is_granted_by_default() {
        assert_eq!(parse(&[]), Ok(Grants::default()));
    }

    #[test]
    fn each_kind_is_read() {
        let grants = parse(&[
            "proxy:127.0.0.1:8443",
            "net:[::1]:80",
            "http:example.com",
            "http:example.com:8443",
            "net:*",
            "dir:/",
            "dir-rw:/=/data",
            "env:HOME",
            "env:MODE=a=b",
            "tokens",
            "without:net",
        ]);
        let directory =
            |shown_as: &str, writable| Directory { path: "/".into(), shown_as: shown_as.to_string(), writable };
        let variable = |name: &str, value: &str| (name.to_string(), value.to_string());
        let expected = Grants {
            proxy: vec!["127.0.0.1:8443".into()],
            directories: vec![directory("/", false), directory("/data", true)],
            variables: vec![variable("HOME", "/home/a"), variable("MODE", "a=b")],
            network: vec!["[::1]:80".into(), "*".into()],
            http: vec!["example.com".into(), "example.com:8443".into()],
            tokens: true,
            without: vec!["net".into()],
        };
        assert_eq!(grants, Ok(expected));
    }

    #[test]
    fn what_cannot_be_granted_is_told_why() {
        for (text, part) in [
            ("https:example.com", "`proxy:HOST:PORT`"),
            ("http:https://example.com", "a host is needed"),
            ("proxy:", "can be"),
            ("tokens:all", "`tokens` can be"),
            ("without:proxy", "`without:KIND`"),
            ("dir", "can be"),
            ("net:example.com", "a host and a port are needed"),
            ("net::80", "a host and a port are needed"),
            ("dir:/nowhere/at/all", "`/nowhere/at/all` cannot be opened"),
            ("dir:/dev/null", "is not a directory"),
            ("env:NOT_SET", "the host has no such variable"),
        ] {
            let error = parse(&[text]).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn an_import_is_covered_by_a_grant_of_its_kind_or_by_doing_without() {
        for (grants, grant, expected) in [
            (&["dir:/"][..], "dir:PATH", true),
            (&["net:*"], "dir:PATH", false),
            (&["without:dir"], "dir:PATH", true),
            (&["without:dir"], "net:HOST:PORT", false),
            (&["tokens"], "tokens", true),
            (&["proxy:*", "env:HOME"], "http:HOST", false),
            (&[], "tokens", false),
        ] {
            assert_eq!(parse(grants).expect("they are grants").covers(grant), expected, "{grants:?}: {grant}");
        }
    }

    #[tokio::test]
    async fn a_connection_is_granted_by_number_or_by_name() {
        let grants = parse(&["net:127.0.0.1:80", "net:localhost:81"]).expect("they are grants");
        for (address, expected) in
            [("127.0.0.1:80", true), ("127.0.0.1:81", true), ("127.0.0.1:82", false), ("127.0.0.2:80", false)]
        {
            assert_eq!(grants.connects(address.parse().expect("an address")).await, expected, "{address}");
        }
        assert!(!Grants::default().connects("127.0.0.1:80".parse().expect("an address")).await);
    }
}
