//! In which form a document is answered.

use forms::clauses;

/// How the protobuf forms of a version's documents are called: as it is answered, and as clients call it
/// that are older.
pub(super) type Names = [&'static str; 2];

pub(super) const SECOND: Names = [
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
];
pub(super) const THIRD: Names = [
    "application/com.github.proto-openapi.spec.v3.v1.0+protobuf",
    "application/com.github.proto-openapi.spec.v3@v1.0+protobuf",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Protobuf,
}

impl Form {
    /// Nothing if the client takes none.
    pub(super) fn of(accept: &str, protobuf: Names) -> Option<Self> {
        let accept = if accept.is_empty() { "*/*" } else { accept };
        let forms =
            [("json", Self::Json), (subtype(protobuf[0]), Self::Protobuf), (subtype(protobuf[1]), Self::Protobuf)];
        clauses(accept).filter(|clause| matches!(clause.kind(), "application" | "*")).find_map(|clause| {
            let named = |name: &str| clause.subtype() == "*" || clause.subtype() == name;
            forms.into_iter().find(|(name, _)| named(name)).map(|(_, form)| form)
        })
    }

    pub(super) fn media_type(self, protobuf: Names) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => protobuf[0],
        }
    }
}

fn subtype(media_type: &str) -> &str {
    media_type.trim_start_matches("application/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_the_first_that_the_client_likes() {
        for (accept, form) in [
            ("", Some(Form::Json)),
            ("*/*", Some(Form::Json)),
            ("application/json, */*", Some(Form::Json)),
            ("application/com.github.proto-openapi.spec.v2@v1.0+protobuf", Some(Form::Protobuf)),
            (
                "application/com.github.proto-openapi.spec.v2.v1.0+protobuf;q=0.9, application/json;q=0.5",
                Some(Form::Protobuf),
            ),
            ("*/json", Some(Form::Json)),
            ("text/plain", None),
            ("application/com.github.proto-openapi.spec.v3.v1.0+protobuf", None),
        ] {
            assert_eq!(Form::of(accept, SECOND), form, "{accept}");
        }
    }
}
