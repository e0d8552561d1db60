//! Content negotiation: in which form and shape a client wants its answer, and in which encoding it
//! sent its body.

use forms::{Clause, Client, Produced};
pub use forms::{Encoding, Notation};
use plugin_sdk::Summary;

use crate::status::ApiError;

/// What of an object is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Whole,
    Table(MetaVersion),
    Partial(MetaVersion),
    PartialList(MetaVersion),
}

/// The version of `meta.k8s.io` that tables and partial objects are answered in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetaVersion {
    V1,
    V1Beta1,
}

impl MetaVersion {
    pub fn api_version(self) -> &'static str {
        match self {
            Self::V1 => "meta.k8s.io/v1",
            Self::V1Beta1 => "meta.k8s.io/v1beta1",
        }
    }
}

/// What a client wants back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    pub notation: Notation,
    pub shape: Shape,
}

/// What can be answered.
#[derive(Debug, Clone, Copy)]
pub struct Offer {
    /// Built-in types have a protobuf form.
    pub protobuf: bool,
    /// What upstream's router knows of it, which refuses in other words, before a handler would.
    pub routed: Option<Produced<'static>>,
    /// The answer can be shown as rows.
    pub tables: bool,
    /// The answer is a watch, which has no form in YAML.
    pub watch: bool,
}

/// What routes of objects and documents produce, those of lists, which can be watched, and that of logs.
pub const OBJECTS: Produced<'static> = Produced(&[JSON, YAML, PROTOBUF]);
pub const LISTS: Produced<'static> = Produced(&[JSON, YAML, PROTOBUF, STREAMS[0], STREAMS[1]]);
pub const LOGS: Produced<'static> = Produced(&["text/plain", JSON, YAML, PROTOBUF]);

impl Offer {
    /// The shape that a clause asks for, if it is offered in this encoding.
    fn shape(self, clause: &Clause, encoding: Encoding) -> Option<Shape> {
        let Some([kind, group, version]) = clause.target() else {
            return (self.protobuf || encoding != Encoding::Protobuf).then_some(Shape::Whole);
        };
        let version = match (group, version) {
            ("meta.k8s.io", "v1") => MetaVersion::V1,
            ("meta.k8s.io", "v1beta1") => MetaVersion::V1Beta1,
            _ => return None,
        };
        match kind {
            // Rows have no protobuf form, and the metadata of any type has one.
            "Table" if self.tables && encoding != Encoding::Protobuf => Some(Shape::Table(version)),
            "PartialObjectMetadata" => Some(Shape::Partial(version)),
            "PartialObjectMetadataList" => Some(Shape::PartialList(version)),
            _ => None,
        }
    }
}

/// What a request says of the form of its answer.
pub fn client(summary: &Summary) -> Client<'_> {
    Client { accept: summary.accept(), query: summary.query(), user_agent: summary.user_agent() }
}

/// Chooses an object's form by the `Accept` header.
///
/// # Errors
/// `NotAcceptable` if none of what the client takes is offered.
pub fn output(client: &Client, offer: Offer) -> Result<Wanted, ApiError> {
    if let Some(produced) = offer.routed {
        check_routed(client, produced)?;
    }
    let pick = |clause: &Clause, encoding| match clause.parameter("sv") {
        None | Some("" | "v1") => offer.shape(clause, encoding),
        Some(_) => None,
    };
    match client.choose(pick) {
        None => Err(not_acceptable(OBJECTS.0)),
        Some((notation, _)) if offer.watch && !notation.encoding.streams() => Err(not_acceptable(&STREAMS)),
        Some((notation, shape)) => Ok(Wanted { notation, shape }),
    }
}

/// How a document is written, which is what it is. Routes of built-in types say what they produce.
///
/// # Errors
/// `NotAcceptable` if the client takes none.
pub(crate) fn document(client: &Client, routed: Option<Produced>) -> Result<Notation, ApiError> {
    if let Some(produced) = routed {
        check_routed(client, produced)?;
    }
    client.document().ok_or_else(|| not_acceptable(OBJECTS.0))
}

/// # Errors
/// `NotAcceptable` if upstream's router would refuse the request.
pub(crate) fn check_routed(client: &Client, produced: Produced) -> Result<(), ApiError> {
    if produced.are_taken(client.accept) {
        return Ok(());
    }
    let mut error = ApiError::new(406, "NotAcceptable", produced.refusal());
    error.with_details = true;
    Err(error)
}

/// The encoding of a body by its `Content-Type`; JSON if there is none.
pub fn input(content_type: &str, protobuf: bool) -> Result<Encoding, ApiError> {
    let is_broken =
        content_type.split(';').skip(1).any(|parameter| !matches!(parameter.trim(), "") && !parameter.contains('='));
    match media_type(content_type).as_str() {
        "" => Ok(Encoding::Json),
        exact if exact.contains('*') || is_broken => Err(unsupported(NAMES)),
        exact => {
            let known = Encoding::named(exact).filter(|known| protobuf || *known != Encoding::Protobuf);
            known.ok_or_else(|| unsupported(NAMES))
        }
    }
}

/// 415, naming what would have been understood.
pub fn unsupported(accepted: &str) -> ApiError {
    let message =
        format!("the body of the request was in an unknown format - accepted media types include: {accepted}");
    ApiError::new(415, "UnsupportedMediaType", message)
}

/// A media type without its parameters, in lower case.
pub fn media_type(header: &str) -> String {
    header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

const JSON: &str = Encoding::Json.media_type();
const YAML: &str = Encoding::Yaml.media_type();
const PROTOBUF: &str = Encoding::Protobuf.media_type();
const STREAMS: [&str; 2] = ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];
/// What messages name, custom resources included, which have no protobuf form.
const NAMES: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

fn not_acceptable(accepted: &[&str]) -> ApiError {
    let message = format!("only the following media types are accepted: {}", accepted.join(", "));
    ApiError::new(406, "NotAcceptable", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILTIN: Offer = Offer { protobuf: true, routed: Some(OBJECTS), tables: true, watch: false };
    const CUSTOM: Offer = Offer { protobuf: false, routed: None, ..BUILTIN };
    const WATCH: Offer = Offer { routed: Some(LISTS), watch: true, ..BUILTIN };
    const PARTIAL: &str = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    const PROTOBUF_TABLE: &str = "application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1, */*";

    fn chosen(accept: &str, offer: Offer) -> Result<Wanted, ApiError> {
        output(&Client { accept, ..Client::default() }, offer)
    }

    #[test]
    fn the_best_offered_alternative_is_chosen() {
        use Encoding::{Json, Protobuf, Yaml};
        const TABLES: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,\
                              application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        for (accept, offer, encoding, shape) in [
            ("", BUILTIN, Json, Shape::Whole),
            ("*/*", BUILTIN, Json, Shape::Whole),
            ("application/yaml", CUSTOM, Yaml, Shape::Whole),
            ("application/vnd.kubernetes.protobuf,application/json", BUILTIN, Protobuf, Shape::Whole),
            ("application/vnd.kubernetes.protobuf,application/json", CUSTOM, Json, Shape::Whole),
            ("application/json;q=0.5, application/yaml", BUILTIN, Yaml, Shape::Whole),
            ("application/json;q=x, application/yaml;q=0.1", BUILTIN, Yaml, Shape::Whole),
            ("*/*, application/yaml", BUILTIN, Yaml, Shape::Whole),
            ("*/*, application/*, application/vnd.kubernetes.protobuf", CUSTOM, Json, Shape::Whole),
            ("*/*, application/yaml;q=0.1", CUSTOM, Yaml, Shape::Whole),
            ("application/json;sv=v1", BUILTIN, Json, Shape::Whole),
            ("application/json;sv=v2, application/yaml;q=0.1", BUILTIN, Yaml, Shape::Whole),
            ("application/json;v=v1, application/yaml;q=0.1", BUILTIN, Yaml, Shape::Whole),
            ("*/*;as=Table;g=meta.k8s.io;v=v1", CUSTOM, Json, Shape::Table(MetaVersion::V1)),
            (TABLES, CUSTOM, Json, Shape::Table(MetaVersion::V1)),
            (TABLES, Offer { tables: false, ..BUILTIN }, Json, Shape::Whole),
            (PARTIAL, BUILTIN, Protobuf, Shape::Partial(MetaVersion::V1)),
            (PARTIAL, CUSTOM, Protobuf, Shape::Partial(MetaVersion::V1)),
            (PROTOBUF_TABLE, BUILTIN, Json, Shape::Whole),
            (
                "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
                Offer { tables: false, ..BUILTIN },
                Json,
                Shape::Partial(MetaVersion::V1),
            ),
            (
                "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1beta1",
                BUILTIN,
                Json,
                Shape::PartialList(MetaVersion::V1Beta1),
            ),
        ] {
            let notation = Notation { encoding, pretty: false };
            assert_eq!(chosen(accept, offer), Ok(Wanted { notation, shape }), "{accept}");
        }
    }

    #[test]
    fn what_nobody_offers_is_refused() {
        let error = chosen("text/nonsense", BUILTIN).unwrap_err();
        assert_eq!(
            error.message,
            "406: Not Acceptable\n\nAvailable representations: \
             application/json, application/yaml, application/vnd.kubernetes.protobuf"
        );
        let error = chosen("application/json;as=Nonsense;g=meta.k8s.io;v=v1", CUSTOM).unwrap_err();
        assert_eq!(
            error.message,
            "only the following media types are accepted: application/json, application/yaml, \
             application/vnd.kubernetes.protobuf"
        );
        assert!(chosen("application/*", BUILTIN).is_err() && chosen("application/*", CUSTOM).is_ok());
        // What is liked best is offered, but not as a watch.
        for accept in ["application/yaml", "application/yaml, application/json"] {
            let error = chosen(accept, WATCH).unwrap_err();
            assert_eq!(
                error.message,
                "only the following media types are accepted: application/json;stream=watch, \
                 application/vnd.kubernetes.protobuf;stream=watch"
            );
        }
        let error = chosen("application/*", WATCH).unwrap_err();
        assert_eq!(
            error.message,
            "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, \
             application/vnd.kubernetes.protobuf, application/json;stream=watch, \
             application/vnd.kubernetes.protobuf;stream=watch"
        );
        assert_eq!(input("application/json;charset", true).unwrap_err().code, 415);
        let error = input("text/xml", true).unwrap_err();
        assert_eq!((error.code, error.reason), (415, "UnsupportedMediaType"));
    }

    #[test]
    fn a_body_without_a_type_is_json() {
        assert_eq!(input("", true), Ok(Encoding::Json));
        assert_eq!(input("application/yaml; charset=utf-8", true), Ok(Encoding::Yaml));
    }
}
