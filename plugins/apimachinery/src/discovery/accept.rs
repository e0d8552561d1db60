//! Which form of discovery a client asked for, and what lets it keep its copy.

use plugin_sdk::{Answer, Body, Response};
use sha2::{Digest, Sha512};

use crate::status::ApiError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One document for each group and version.
    Legacy,
    /// All groups with their resources in one document (`apidiscovery.k8s.io/v2`).
    Aggregated,
}

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

impl Form {
    /// The `Accept` header that asks for this form.
    pub fn accept(self) -> &'static str {
        match self {
            Self::Legacy => "application/json",
            Self::Aggregated => AGGREGATED,
        }
    }
}

/// The form for an `Accept` header: the first of the client's choices, by its quality values,
/// that we have. Nothing if there is none.
pub fn form(accept: &str) -> Option<Form> {
    if accept.trim().is_empty() {
        return Some(Form::Legacy);
    }
    let mut choices: Vec<(f32, Form)> = accept.split(',').filter_map(choice).collect();
    choices.sort_by(|a, b| b.0.total_cmp(&a.0));
    choices.first().map(|choice| choice.1)
}

fn choice(text: &str) -> Option<(f32, Form)> {
    let mut parts = text.split(';').map(str::trim);
    if !matches!(parts.next()?, "application/json" | "application/*" | "*/*") {
        return None;
    }
    let (mut quality, mut kind, mut group, mut version) = (1.0, "", "", "");
    for (key, value) in parts.filter_map(|part| part.split_once('=')) {
        match key {
            "q" => quality = value.parse().ok()?,
            "as" => kind = value,
            "g" => group = value,
            "v" => version = value,
            _ => {}
        }
    }
    match (kind, group, version) {
        ("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2") => Some((quality, Form::Aggregated)),
        ("", "", "") => Some((quality, Form::Legacy)),
        _ => None,
    }
}

pub fn not_acceptable() -> ApiError {
    let mut error = ApiError::new(
        406,
        "NotAcceptable",
        "only the following media types are accepted: application/json, application/yaml, \
         application/vnd.kubernetes.protobuf",
    );
    error.with_details = true;
    error
}

/// The aggregated document, or 304 if the client has it already.
pub fn with_etag(if_none_match: Option<&str>, body: Vec<u8>) -> Answer {
    let etag = format!("\"{:X}\"", Sha512::digest(&body));
    let same = if_none_match.is_some_and(|known| known.split(',').any(|known| known.trim() == etag));
    let response = Response::new(if same { 304 } else { 200 })
        .header("etag", etag)
        .header("vary", "Accept")
        .header("cache-control", "public");
    match same {
        true => response.into(),
        false => response.header("content-type", AGGREGATED).body(Body::Bytes(body)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_the_clients_first_choice_that_we_have() {
        let cases = [
            ("", Some(Form::Legacy)),
            ("*/*", Some(Form::Legacy)),
            ("application/json", Some(Form::Legacy)),
            (AGGREGATED, Some(Form::Aggregated)),
            (
                "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                 application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json",
                Some(Form::Aggregated),
            ),
            (
                "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json",
                Some(Form::Legacy),
            ),
            (
                "application/json;q=0.5,application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList;q=0.4",
                Some(Form::Legacy),
            ),
            ("application/vnd.kubernetes.protobuf, */*", Some(Form::Legacy)),
            ("text/nonsense", None),
        ];
        for (accept, expected) in cases {
            assert_eq!(form(accept), expected, "{accept}");
        }
    }

    #[test]
    fn a_client_that_has_the_document_gets_no_body() {
        let Answer::Response(first) = with_etag(None, b"{}".to_vec()) else { panic!("not a response") };
        let etag = &first.headers.iter().find(|(name, _)| name == "etag").expect("an etag").1;
        let Answer::Response(again) = with_etag(Some(etag), b"{}".to_vec()) else { panic!("not a response") };
        assert_eq!((first.status, again.status), (200, 304));
        assert!(matches!(again.body, Body::Empty));
        let Answer::Response(changed) = with_etag(Some(etag), b"{ }".to_vec()) else { panic!("not a response") };
        assert_eq!(changed.status, 200);
    }
}
