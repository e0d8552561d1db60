//! What a client says of the form of its answer, and which one it gets.

use crate::accept::{Clause, clauses};
use crate::encoding::Encoding;

/// Programs that show people what they get.
const SHOWING: [&str; 3] = ["curl", "Wget", "Mozilla/5.0"];

/// What a request says of the form of its answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Client<'a> {
    /// The header `accept`; empty without one.
    pub accept: &'a str,
    /// The query, without the `?`.
    pub query: &'a str,
    /// The header `user-agent`; empty without one.
    pub user_agent: &'a str,
}

/// How something is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notation {
    pub encoding: Encoding,
    /// JSON is indented, for people. The other encodings are what they are.
    pub pretty: bool,
}

impl Notation {
    /// What most clients take: compact JSON.
    pub const PLAIN: Self = Self { encoding: Encoding::Json, pretty: false };
}

impl<'a> Client<'a> {
    /// The first of what the client likes best that is picked, and how it wants that written. Nothing if it
    /// takes none.
    pub fn choose<T>(&self, pick: impl Fn(&Clause<'a>, Encoding) -> Option<T>) -> Option<(Notation, T)> {
        let accept = if self.accept.is_empty() { "*/*" } else { self.accept };
        clauses(accept).find_map(|clause| {
            let taken = Encoding::ALL.into_iter().filter(|encoding| encoding.is_taken_by(&clause));
            taken.into_iter().find_map(|encoding| {
                let picked = pick(&clause, encoding)?;
                let pretty = clause.parameter("pretty") == Some("1") || is_for_people(self.query, self.user_agent);
                Some((Notation { encoding, pretty }, picked))
            })
        })
    }

    /// How something is written that has no other shape than its own. Nothing if the client takes none.
    pub fn document(&self) -> Option<Notation> {
        let is_plain = |clause: &Clause| clause.target().is_none() && clause.parameter("sv").is_none_or(str::is_empty);
        self.choose(|clause, _| is_plain(clause).then_some(())).map(|(notation, ())| notation)
    }

    /// How a failure is written, which is told to those who take none, too.
    pub fn failure(&self) -> Notation {
        self.document().unwrap_or(Notation { encoding: Encoding::Json, pretty: true })
    }
}

/// Whether JSON is to be read by people: asked for, or the client is known to show it.
pub fn is_for_people(query: &str, user_agent: &str) -> bool {
    let asked = query.contains("pretty").then(|| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == "pretty").map(|(_, asked)| asked).unwrap_or_default()
    });
    match asked.as_deref() {
        None | Some("") => SHOWING.iter().any(|shown| user_agent.starts_with(shown)),
        Some(asked) => matches!(asked, "1" | "t" | "T" | "true" | "TRUE" | "True"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_written_as_the_client_likes_it_best() {
        use Encoding::{Json, Protobuf, Yaml};
        for (accept, expected) in [
            ("", Some(Json)),
            ("*/*", Some(Json)),
            ("*", Some(Json)),
            ("application/*", Some(Json)),
            ("application/json; charset=utf-8", Some(Json)),
            ("application/yaml", Some(Yaml)),
            ("application/json;q=0.1,application/yaml", Some(Yaml)),
            ("application/json;q=x,application/yaml;q=0.1", Some(Yaml)),
            ("*/*, application/*, application/yaml", Some(Yaml)),
            ("application/vnd.kubernetes.protobuf,application/json", Some(Protobuf)),
            // Rows and metadata are shapes of objects.
            ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", Some(Json)),
            ("application/json;as=Table;v=v1;g=meta.k8s.io", None),
            ("application/json;v=v1", None),
            ("text/html", None),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some(Json)),
            // Names are in lower case.
            ("Application/JSON", None),
            ("*/json", None),
            ("application/json;stream=watch", Some(Json)),
            ("application/json;stream=other", None),
            ("application/yaml;stream=watch, application/json;q=0.1", Some(Json)),
            ("application/json;sv=v1", None),
        ] {
            let client = Client { accept, ..Client::default() };
            assert_eq!(client.document().map(|notation| notation.encoding), expected, "{accept}");
            let refused = Notation { encoding: Json, pretty: true };
            assert_eq!(client.failure(), client.document().unwrap_or(refused), "{accept}");
        }
    }

    #[test]
    fn json_is_indented_for_people() {
        for (accept, user_agent, query, pretty) in [
            ("", "kubectl/v1", "", false),
            ("", "curl/8", "", true),
            ("", "Wget/1", "", true),
            ("", "Mozilla/5.0 (X11)", "", true),
            ("", "a curl/8", "", false),
            ("", "curl/8", "pretty=false", false),
            ("", "curl/8", "pretty=0&pretty=true", false),
            ("", "curl/8", "pretty=", true),
            ("", "curl/8", "pretty", true),
            ("", "curl/8", "prettyish=false", true),
            ("", "curl/8", "pretty=yes", false),
            ("", "kubectl/v1", "a=b&pretty=true", true),
            ("", "kubectl/v1", "pretty=tru%65", true),
            ("application/json;pretty=1", "kubectl/v1", "pretty=false", true),
            ("application/json;pretty=true", "kubectl/v1", "", false),
        ] {
            let notation = Client { accept, query, user_agent }.document();
            assert_eq!(notation.map(|notation| notation.pretty), Some(pretty), "{accept} {user_agent} {query}");
        }
    }
}
