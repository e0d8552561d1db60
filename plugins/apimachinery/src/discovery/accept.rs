//! Which form of discovery a client asked for, and in which encoding; what lets it keep its copy.

use plugin_sdk::{Answer, Body, Response, Summary};
use sha2::{Digest, Sha512};

use crate::encode::{encode, is_for_people};
use crate::negotiate::{self, Clause, Encoding, Offer};
use crate::rest::query::Query;
use crate::status::ApiError;
use crate::tree::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One document for each group and version.
    Legacy,
    /// All groups with their resources in one document (`apidiscovery.k8s.io/v2`).
    Aggregated,
}

impl Form {
    /// The `Accept` header that asks for this form.
    pub fn accept(self) -> &'static str {
        match self {
            Self::Legacy => "application/json",
            Self::Aggregated => "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        }
    }
}

/// The paths of discovery. Upstream has handlers of two kinds, which refuse in different words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `/api`.
    Core,
    /// `/apis`.
    Groups,
    /// `/apis/GROUP`.
    Group,
    /// `/api/VERSION` and `/apis/GROUP/VERSION`.
    Resources,
}

/// How a client wants the documents of discovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub form: Form,
    encoding: Encoding,
    pretty: bool,
}

impl Asked {
    /// The first of the client's choices that we have there.
    ///
    /// # Errors
    /// `NotAcceptable` if there is none.
    pub fn of(summary: &Summary, place: Place) -> Result<Self, ApiError> {
        let (encoding, form) = chosen(summary.accept(), place)?;
        Ok(Self { form, encoding, pretty: is_for_people(&Query::parse(summary.query()), summary) })
    }

    pub fn answer(self, document: &Value) -> Answer {
        let body = encode(document, self.encoding, self.pretty);
        Response::new(200).header("content-type", self.encoding.media_type()).body(Body::Bytes(body)).into()
    }

    /// The aggregated document, or 304 if the client has it already.
    pub fn answer_aggregated(self, if_none_match: Option<&str>, document: &Value) -> Answer {
        // The same in each encoding.
        let json = encode(document, Encoding::Json, false);
        let etag = format!("\"{:X}\"", Sha512::digest(&json));
        let same = if_none_match.is_some_and(|known| known.split(',').any(|known| known.trim() == etag));
        let response = Response::new(if same { 304 } else { 200 })
            .header("etag", etag)
            .header("vary", "Accept")
            .header("cache-control", "public");
        if same {
            return response.into();
        }
        let content_type = format!("{}{AGGREGATED}", self.encoding.media_type());
        let body = match (self.encoding, self.pretty) {
            (Encoding::Json, false) => json,
            (encoding, pretty) => encode(document, encoding, pretty),
        };
        response.header("content-type", content_type).body(Body::Bytes(body)).into()
    }
}

const AGGREGATED: &str = ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

fn chosen(accept: &str, place: Place) -> Result<(Encoding, Form), ApiError> {
    let offer = Offer { routed: matches!(place, Place::Core | Place::Resources), ..Offer::DOCUMENT };
    let has_aggregated = matches!(place, Place::Core | Place::Groups);
    let pick = |clause: &Clause| {
        let shape = [clause.parameter("as"), clause.parameter("g"), clause.parameter("v")];
        let form = match shape {
            ["", ..] => Form::Legacy,
            ["APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2"] if has_aggregated => Form::Aggregated,
            _ => return None,
        };
        Some((offer.encoding(&clause.media_type)?, form))
    };
    Ok(negotiate::choose(accept, offer, pick)?.unwrap_or((Encoding::Json, Form::Legacy)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json;

    #[test]
    fn the_form_is_the_clients_first_choice_that_we_have() {
        use Encoding::{Json, Protobuf, Yaml};
        let cases = [
            ("", Some((Json, Form::Legacy))),
            ("*/*", Some((Json, Form::Legacy))),
            ("application/*", Some((Json, Form::Legacy))),
            ("application/json", Some((Json, Form::Legacy))),
            ("application/yaml", Some((Yaml, Form::Legacy))),
            (Form::Aggregated.accept(), Some((Json, Form::Aggregated))),
            (
                "application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
                Some((Protobuf, Form::Aggregated)),
            ),
            (
                "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                 application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json",
                Some((Json, Form::Aggregated)),
            ),
            (
                "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json",
                Some((Json, Form::Legacy)),
            ),
            (
                "application/json;q=0.5,application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList;q=0.4",
                Some((Json, Form::Legacy)),
            ),
            ("application/vnd.kubernetes.protobuf, */*", Some((Protobuf, Form::Legacy))),
            ("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList", None),
            ("text/nonsense", None),
        ];
        for (accept, expected) in cases {
            assert_eq!(chosen(accept, Place::Groups).ok(), expected, "{accept}");
        }
    }

    #[test]
    fn each_place_refuses_in_its_own_words() {
        let aggregated = Form::Aggregated.accept();
        for (place, accept, words) in [
            (Place::Core, "text/html", "406: Not Acceptable"),
            (Place::Core, "application/*", "406: Not Acceptable"),
            (Place::Groups, "text/html", "only the following media types are accepted"),
            (Place::Group, aggregated, "only the following media types are accepted"),
            (Place::Resources, aggregated, "only the following media types are accepted"),
            (Place::Resources, "text/html", "406: Not Acceptable"),
        ] {
            let error = chosen(accept, place).expect_err("it is refused");
            assert!(error.code == 406 && error.message.starts_with(words), "{place:?} {accept}: {error:?}");
        }
    }

    #[test]
    fn a_client_that_has_the_document_gets_no_body() {
        let asked = Asked { form: Form::Aggregated, encoding: Encoding::Yaml, pretty: false };
        let answer = |known: Option<&str>, document| match asked.answer_aggregated(known, &document) {
            Answer::Response(response) => response,
            _ => panic!("not a response"),
        };
        let first = answer(None, json!({}));
        let etag = &first.headers.iter().find(|(name, _)| name == "etag").expect("an etag").1;
        let again = answer(Some(etag), json!({}));
        assert_eq!((first.status, again.status), (200, 304));
        assert!(matches!(again.body, Body::Empty));
        assert_eq!(answer(Some(etag), json!({"a": 1})).status, 200);
    }
}
