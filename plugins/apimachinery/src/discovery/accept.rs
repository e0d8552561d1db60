//! Which form of discovery a client asked for, and in which encoding; what lets it keep its copy.

use forms::{Clause, Client};
use plugin_sdk::{Answer, Body, Response, Summary};
use sha2::{Digest, Sha512};

use crate::encode::encode;
use crate::negotiate::{self, Notation, OBJECTS};
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
    notation: Notation,
}

impl Asked {
    /// The first of the client's choices that we have there.
    ///
    /// # Errors
    /// `NotAcceptable` if there is none.
    pub fn of(summary: &Summary, place: Place) -> Result<Self, ApiError> {
        let (form, notation) = chosen(&negotiate::client(summary), place)?;
        Ok(Self { form, notation })
    }

    pub fn answer(self, document: &Value) -> Answer {
        let body = encode(document, self.notation);
        Response::new(200).header("content-type", self.notation.encoding.media_type()).body(Body::Bytes(body)).into()
    }

    /// The aggregated document, or 304 if the client has it already.
    pub fn answer_aggregated(self, if_none_match: Option<&str>, document: &Value) -> Answer {
        // The same in each encoding.
        let json = encode(document, Notation::PLAIN);
        let etag = format!("\"{:X}\"", Sha512::digest(&json));
        let same = if_none_match.is_some_and(|known| known.split(',').any(|known| known.trim() == etag));
        let response = Response::new(if same { 304 } else { 200 })
            .header("etag", etag)
            .header("vary", "Accept")
            .header("cache-control", "public");
        if same {
            return response.into();
        }
        let content_type = format!("{}{AGGREGATED}", self.notation.encoding.media_type());
        let body = if self.notation == Notation::PLAIN { json } else { encode(document, self.notation) };
        response.header("content-type", content_type).body(Body::Bytes(body)).into()
    }
}

const AGGREGATED: &str = ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Whoever takes the aggregated form by any alternative, however little he likes it, is given that.
fn chosen(client: &Client, place: Place) -> Result<(Form, Notation), ApiError> {
    let routed = matches!(place, Place::Core | Place::Resources).then_some(OBJECTS);
    let legacy = negotiate::document(client, routed).map(|notation| (Form::Legacy, notation));
    if !matches!(place, Place::Core | Place::Groups) || routed.is_some_and(|routed| !routed.are_taken(client.accept)) {
        return legacy;
    }
    let is_aggregated = |clause: &Clause| {
        let target = ["APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2"];
        (clause.target() == Some(target) && clause.parameter("sv").is_none_or(str::is_empty)).then_some(())
    };
    match client.choose(|clause, _| is_aggregated(clause)) {
        Some((notation, ())) => Ok((Form::Aggregated, notation)),
        None => legacy,
    }
}

#[cfg(test)]
mod tests {
    use forms::Encoding;

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
                "application/json,application/yaml;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList;q=0.4",
                Some((Yaml, Form::Aggregated)),
            ),
            ("application/vnd.kubernetes.protobuf, */*", Some((Protobuf, Form::Legacy))),
            ("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList", None),
            ("text/nonsense", None),
        ];
        for (accept, expected) in cases {
            let client = Client { accept, ..Client::default() };
            let chosen = chosen(&client, Place::Groups).ok();
            assert_eq!(chosen.map(|(form, notation)| (notation.encoding, form)), expected, "{accept}");
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
            let error = chosen(&Client { accept, ..Client::default() }, place).expect_err("it is refused");
            assert!(error.code == 406 && error.message.starts_with(words), "{place:?} {accept}: {error:?}");
        }
    }

    #[test]
    fn a_client_that_has_the_document_gets_no_body() {
        let asked = Asked { form: Form::Aggregated, notation: Notation { encoding: Encoding::Yaml, pretty: false } };
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
