//! The encodings of objects.

use crate::accept::Clause;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Json,
    Yaml,
    Protobuf,
}

impl Encoding {
    /// In the order in which they are chosen from, where a client does not care.
    pub const ALL: [Self; 3] = [Self::Json, Self::Yaml, Self::Protobuf];

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Yaml => "application/yaml",
            Self::Protobuf => "application/vnd.kubernetes.protobuf",
        }
    }

    /// Whether objects can follow one another in it, as in a watch.
    pub fn streams(self) -> bool {
        self != Self::Yaml
    }

    /// The one that a media type names, which is in lower case and has no parameters.
    pub fn named(media_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.media_type() == media_type)
    }

    /// Whether a client takes it by this alternative.
    pub(crate) fn is_taken_by(self, clause: &Clause) -> bool {
        let subtype = self.media_type().trim_start_matches("application/");
        let is_named = match (clause.kind(), clause.subtype()) {
            ("*", "*") | ("application", "*") => true,
            (kind, named) => kind == "application" && named == subtype,
        };
        is_named
            && match clause.parameter("stream") {
                None | Some("") => true,
                Some(stream) => stream == "watch" && self.streams(),
            }
    }
}
