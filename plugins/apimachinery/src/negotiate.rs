//! Content negotiation: in which encoding and shape a client wants its answer, and in which
//! encoding it sent its body.

use crate::status::ApiError;

/// How objects are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Json,
    Yaml,
    Protobuf,
}

impl Encoding {
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Yaml => "application/yaml",
            Self::Protobuf => "application/vnd.kubernetes.protobuf",
        }
    }
}

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
    pub encoding: Encoding,
    pub shape: Shape,
}

impl Wanted {
    pub const JSON: Self = Self { encoding: Encoding::Json, shape: Shape::Whole };
}

/// What can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Built-in types have a protobuf form.
    pub protobuf: bool,
    /// Upstream's router, which knows no half of a type, chooses before its handlers would in other words.
    pub routed: bool,
    /// The answer can be shown as rows.
    pub tables: bool,
    /// Its metadata can be shown alone: that of all but errors.
    pub metadata: bool,
    /// Lists can be streamed as watches.
    pub streams: bool,
    /// The answer is a watch, which has no form in YAML.
    pub watch: bool,
}

impl Offer {
    /// A `Status`, or another document that is what it is.
    pub const DOCUMENT: Self =
        Self { protobuf: true, routed: false, tables: false, metadata: false, streams: false, watch: false };

    pub(crate) fn encoding(self, media_type: &str) -> Option<Encoding> {
        match media_type {
            "*/*" | "application/json" => Some(Encoding::Json),
            "application/*" if !self.routed => Some(Encoding::Json),
            "application/yaml" => Some(Encoding::Yaml),
            PROTOBUF if self.protobuf => Some(Encoding::Protobuf),
            _ => None,
        }
    }

    /// The encoding of a shape: the metadata of any type has a protobuf form, rows have none.
    fn encoding_of(self, media_type: &str, shape: Shape) -> Option<Encoding> {
        match (self.encoding(media_type), shape) {
            (Some(Encoding::Protobuf), Shape::Table(_)) => None,
            (None, Shape::Partial(_) | Shape::PartialList(_)) if media_type == PROTOBUF => Some(Encoding::Protobuf),
            (encoding, _) => encoding,
        }
    }
}

/// Chooses an object's form by the `Accept` header.
pub fn output(accept: &str, offer: Offer) -> Result<Wanted, ApiError> {
    let pick = |clause: &Clause| {
        let shape = clause.shape()?;
        let encoding = offer.encoding_of(&clause.media_type, shape)?;
        let is_offered = match shape {
            Shape::Whole => true,
            Shape::Table(_) => offer.tables,
            Shape::Partial(_) | Shape::PartialList(_) => offer.metadata,
        };
        is_offered.then_some((encoding, shape))
    };
    let (encoding, shape) = choose(accept, offer, pick)?.unwrap_or((Encoding::Json, Shape::Whole));
    Ok(Wanted { encoding, shape })
}

/// The first of what the client likes best that is picked; nothing if it likes all the same.
pub(crate) fn choose<T>(
    accept: &str,
    offer: Offer,
    pick: impl Fn(&Clause) -> Option<(Encoding, T)>,
) -> Result<Option<(Encoding, T)>, ApiError> {
    if accept.trim().is_empty() {
        return Ok(None);
    }
    let clauses = clauses(accept);
    let mut unstreamed = false;
    for clause in &clauses {
        match pick(clause) {
            Some((Encoding::Yaml, _)) if offer.watch => unstreamed = true,
            Some(picked) => return Ok(Some(picked)),
            None => {}
        }
    }
    if offer.routed && !clauses.iter().any(|clause| offer.encoding(&clause.media_type).is_some()) {
        let mut available = vec!["application/json", "application/yaml", PROTOBUF];
        if offer.streams {
            available.extend(STREAMS);
        }
        let message = format!("406: Not Acceptable\n\nAvailable representations: {}", available.join(", "));
        let mut error = ApiError::new(406, "NotAcceptable", message);
        error.with_details = true;
        return Err(error);
    }
    let accepted = if unstreamed { STREAMS.join(", ") } else { NAMES.to_string() };
    Err(ApiError::new(406, "NotAcceptable", format!("only the following media types are accepted: {accepted}")))
}

/// The encoding of a body by its `Content-Type`; JSON if there is none.
pub fn input(content_type: &str, protobuf: bool) -> Result<Encoding, ApiError> {
    let offer = Offer { protobuf, ..Offer::DOCUMENT };
    let is_broken =
        content_type.split(';').skip(1).any(|parameter| !matches!(parameter.trim(), "") && !parameter.contains('='));
    match media_type(content_type).as_str() {
        "" => Ok(Encoding::Json),
        exact if exact.contains('*') || is_broken => Err(unsupported(NAMES)),
        exact => offer.encoding(exact).ok_or_else(|| unsupported(NAMES)),
    }
}

/// The media types of an `Accept` header, the dearest first.
pub(crate) fn preferences(accept: &str) -> Vec<String> {
    clauses(accept).into_iter().map(|clause| clause.media_type).collect()
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

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
/// What messages name, custom resources included, which have no protobuf form.
const NAMES: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
const STREAMS: [&str; 2] = ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];

/// One alternative of an `Accept` header.
pub(crate) struct Clause {
    pub(crate) media_type: String,
    parameters: Vec<(String, String)>,
    quality: f32,
}

impl Clause {
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    /// Nothing for a shape that nobody knows.
    fn shape(&self) -> Option<Shape> {
        let kind = self.parameter("as");
        if kind.is_empty() {
            return Some(Shape::Whole);
        }
        let version = match (self.parameter("g"), self.parameter("v")) {
            ("meta.k8s.io", "v1") => MetaVersion::V1,
            ("meta.k8s.io", "v1beta1") => MetaVersion::V1Beta1,
            _ => return None,
        };
        match kind {
            "Table" => Some(Shape::Table(version)),
            "PartialObjectMetadata" => Some(Shape::Partial(version)),
            "PartialObjectMetadataList" => Some(Shape::PartialList(version)),
            _ => None,
        }
    }
}

fn clauses(accept: &str) -> Vec<Clause> {
    let mut clauses: Vec<Clause> = accept
        .split(',')
        .filter(|text| !text.trim().is_empty())
        .map(|text| {
            let parameters: Vec<(String, String)> = text
                .split(';')
                .skip(1)
                .filter_map(|parameter| parameter.split_once('='))
                .map(|(key, value)| (key.trim().to_string(), value.trim().to_string()))
                .collect();
            let said = parameters.iter().find(|(key, _)| key == "q").map(|(_, value)| value.parse::<f32>());
            // What is no number is none, as upstream has it.
            let quality = said.map_or(1.0, |said| said.ok().filter(|said| said.is_finite()).unwrap_or_default());
            Clause { media_type: media_type(text), parameters, quality }
        })
        .collect();
    // Of equal ones, what is named comes before what is any.
    let is_any = |clause: &Clause| clause.media_type.matches('*').count();
    clauses.sort_by(|a, b| b.quality.total_cmp(&a.quality).then_with(|| is_any(a).cmp(&is_any(b))));
    clauses
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILTIN: Offer = Offer { routed: true, tables: true, metadata: true, ..Offer::DOCUMENT };
    const CUSTOM: Offer = Offer { protobuf: false, tables: true, metadata: true, ..Offer::DOCUMENT };
    const PARTIAL: &str = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    const PROTOBUF_TABLE: &str = "application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1, */*";

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
            assert_eq!(output(accept, offer), Ok(Wanted { encoding, shape }), "{accept}");
        }
    }

    #[test]
    fn what_nobody_offers_is_refused() {
        let error = output("text/nonsense", BUILTIN).unwrap_err();
        assert_eq!(
            error.message,
            "406: Not Acceptable\n\nAvailable representations: \
             application/json, application/yaml, application/vnd.kubernetes.protobuf"
        );
        let error = output("application/json;as=Nonsense;g=meta.k8s.io;v=v1", CUSTOM).unwrap_err();
        assert_eq!(
            error.message,
            "only the following media types are accepted: application/json, application/yaml, \
             application/vnd.kubernetes.protobuf"
        );
        assert!(output("application/*", BUILTIN).is_err() && output("application/*", CUSTOM).is_ok());
        let error = output("application/yaml", Offer { watch: true, streams: true, ..BUILTIN }).unwrap_err();
        assert_eq!(
            error.message,
            "only the following media types are accepted: application/json;stream=watch, \
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
