//! In which form a client takes a `Status`: what it accepts, and whether a person reads it.

use http::HeaderMap;
use http::header::{ACCEPT, USER_AGENT};

use super::Failure;

/// The form of a `Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Wanted {
    #[default]
    Json,
    PrettyJson,
    Yaml,
    Protobuf,
}

impl Wanted {
    /// The form that the request with this query and these headers asks for. Upstream indents for those
    /// who ask for it, for programs that show what they get, and for those who accept nothing of this.
    pub(crate) fn of(query: Option<&str>, headers: &HeaderMap) -> Self {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match accepted(header(ACCEPT)) {
            Some(Self::Json) if is_for_people(query, header(USER_AGENT)) => Self::PrettyJson,
            Some(wanted) => wanted,
            None => Self::PrettyJson,
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json | Self::PrettyJson => "application/json",
            Self::Yaml => "application/yaml",
            Self::Protobuf => "application/vnd.kubernetes.protobuf",
        }
    }

    pub(crate) fn write(self, failure: &Failure) -> Vec<u8> {
        match self {
            Self::Json => failure.to_json().into_bytes(),
            Self::PrettyJson => failure.to_pretty_json().into_bytes(),
            Self::Yaml => failure.to_yaml().into_bytes(),
            Self::Protobuf => failure.to_protobuf(),
        }
    }
}

/// The first of what a client likes best that there is. A `Status` has no other shape than its own.
fn accepted(accept: &str) -> Option<Wanted> {
    if accept.trim().is_empty() {
        return Some(Wanted::Json);
    }
    let mut best: Option<((f32, usize), Wanted)> = None;
    for clause in accept.split(',') {
        let mut parts = clause.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
        let wanted = match media_type.as_str() {
            "*/*" | "application/*" | "application/json" => Wanted::Json,
            "application/yaml" => Wanted::Yaml,
            "application/vnd.kubernetes.protobuf" => Wanted::Protobuf,
            _ => continue,
        };
        let (mut quality, mut is_shaped) = (1.0, false);
        for (key, value) in parts.filter_map(|part| part.split_once('=')) {
            match key.trim() {
                // What is no number is none, as upstream has it.
                "q" => quality = value.trim().parse().ok().filter(|said: &f32| said.is_finite()).unwrap_or_default(),
                "as" => is_shaped = true,
                _ => {}
            }
        }
        // Of equal ones, what is named comes before what is any.
        let rank = (quality, usize::MAX - media_type.matches('*').count());
        if !is_shaped && best.is_none_or(|(most, _)| rank > most) {
            best = Some((rank, wanted));
        }
    }
    best.map(|(_, wanted)| wanted)
}

fn is_for_people(query: Option<&str>, agent: &str) -> bool {
    let pairs = query.unwrap_or_default().split('&');
    let asked = pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == "pretty");
    match asked {
        Some((_, asked)) if !asked.is_empty() => matches!(asked, "1" | "t" | "T" | "true" | "TRUE" | "True"),
        _ => ["curl", "Wget", "Mozilla/5.0"].iter().any(|shown| agent.starts_with(shown)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_written_as_the_client_likes_it_best() {
        use Wanted::{Json, PrettyJson, Protobuf, Yaml};
        for (accept, wanted) in [
            ("", Json),
            ("*/*", Json),
            ("application/*", Json),
            ("application/json; charset=utf-8", Json),
            ("application/yaml", Yaml),
            ("application/json;q=0.1,application/yaml", Yaml),
            ("application/json;q=x,application/yaml;q=0.1", Yaml),
            ("*/*, application/*, application/yaml", Yaml),
            ("application/vnd.kubernetes.protobuf,application/json", Protobuf),
            // Rows and metadata are shapes of objects.
            ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", Json),
            ("application/json;as=Table;v=v1;g=meta.k8s.io", PrettyJson),
            ("text/html", PrettyJson),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Json),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(Wanted::of(None, &headers), wanted, "{accept}");
        }
    }

    #[test]
    fn json_is_indented_for_people() {
        for (agent, query, is_pretty) in [
            ("kubectl/v1", None, false),
            ("curl/8", None, true),
            ("Mozilla/5.0 (X11)", None, true),
            ("curl/8", Some("pretty=false"), false),
            ("curl/8", Some("pretty="), true),
            ("kubectl/v1", Some("a=b&pretty=true"), true),
        ] {
            let headers = HeaderMap::from_iter([(USER_AGENT, agent.parse().unwrap())]);
            assert_eq!(Wanted::of(query, &headers) == Wanted::PrettyJson, is_pretty, "{agent} {query:?}");
        }
    }
}
