//! The documents: of one version, of one group, and of what the server itself answers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::operation::{CUSTOM, Content, OBJECT, Operation, path_item};
use super::schemas::Schemas;
use super::{Texts, names, path_of, paths, sha512};
use crate::definition::Definition;
use crate::tree::{Map, Value, json};

/// What is shown of the server's version: whether it always is, and what it means.
const VERSION_FIELDS: &[(&str, bool, &str)] = &[
    ("buildDate", true, "When it was built."),
    ("compiler", true, "What compiled it."),
    ("emulationMajor", false, "The major number of the version that it behaves as."),
    ("emulationMinor", false, "The minor number of the version that it behaves as."),
    ("gitCommit", true, "The commit that it was built from."),
    ("gitTreeState", true, "Whether the sources had changes beside that."),
    ("gitVersion", true, "The version in full."),
    ("goVersion", true, "The version of Go that it was built with."),
    ("major", true, "The major number of the version."),
    ("minCompatibilityMajor", false, "The major number of the oldest version that it works beside."),
    ("minCompatibilityMinor", false, "The minor number of the oldest version that it works beside."),
    ("minor", true, "The minor number of the version."),
    ("platform", true, "The system and processor that it was built for."),
];
const VERSION_INFO: &str = "io.k8s.apimachinery.pkg.version.Info";

/// Answers of the server itself: the document and path, what it is called, its tag, its answer.
const OF_SERVER: &[(&str, &str, &str, &str)] = &[
    (".well-known/openid-configuration", "getServiceAccountIssuerOpenIDConfiguration", "WellKnown", "application/json"),
    ("openid/v1/jwks", "getServiceAccountIssuerOpenIDKeyset", "openid", "application/jwk-set+json"),
    ("apis", "getAPIVersions", "apis", "APIGroupList"),
    ("version", "getCodeVersion", "version", ""),
];

/// The documents about these definitions, which are served by one link, each with those that it is
/// about; `server` says that the link answers for the whole server, too.
pub(super) fn all<'a>(own: &[&'a Definition], server: bool) -> BTreeMap<String, Vec<&'a Definition>> {
    let mut all: BTreeMap<String, Vec<&Definition>> = BTreeMap::new();
    for definition in own {
        all.entry(path_of(definition)).or_default().push(definition);
        if definition.builtin {
            let group = match &*definition.group {
                "" => "api".to_string(),
                group => format!("apis/{group}"),
            };
            all.entry(group).or_default();
        }
    }
    all.extend(OF_SERVER.iter().filter(|_| server).map(|(name, ..)| ((*name).to_string(), Vec::new())));
    all
}

/// The document of this name, made of the definitions that it is about. `server` is the
/// Kubernetes version that is served.
pub(super) fn document(name: &str, of: &[&Definition], server: &str) -> Vec<u8> {
    let group = name.strip_prefix("apis/").filter(|rest| !rest.contains('/'));
    let (mut all, builtin) = (Texts::new(), of.iter().all(|definition| definition.builtin));
    let schemas = if let Some((first, _)) = of.split_first() {
        let mut schemas = Schemas::new(&first.group, &first.version, builtin);
        for definition in of {
            paths::add(definition, &mut schemas, &mut all);
        }
        if builtin {
            let id = format!("get{}APIResources", names::in_operations(&first.group, &first.version));
            let tag = names::tag(&first.group, &first.version);
            let kind = schemas.machinery("APIResourceList");
            let what = "List the resources of this version.";
            add(name, &id, what, &tag, Content::of(&kind.name, OBJECT), &mut all);
        }
        schemas.finish()
    } else if name == "api" || group.is_some() {
        let tag = names::group_tag(group.unwrap_or_default());
        let title = names::in_operations(group.unwrap_or_default(), "");
        let (kind, id, what) = match group {
            None => ("APIVersions", format!("get{title}APIVersions"), "List the versions of the core group."),
            Some(_) => ("APIGroup", format!("get{title}APIGroup"), "Show the group and its versions."),
        };
        of_machinery(name, kind, &id, what, &tag, &mut all)
    } else {
        of_server(name, &mut all)
    };
    written(&all, &schemas, server, builtin)
}

fn of_server(name: &str, all: &mut Texts) -> Texts {
    let Some((_, id, tag, answer)) = OF_SERVER.iter().find(|(known, ..)| *known == name) else { return Texts::new() };
    match *answer {
        "" => {
            let content = Content::of(VERSION_INFO, &CUSTOM[..1]);
            add(name, id, "Show the version of the server.", tag, content, all);
            Texts::from([(VERSION_INFO.to_string(), version_info().to_string())])
        }
        kind if !kind.contains('/') => of_machinery(name, kind, id, "List the groups.", tag, all),
        media => {
            const MEDIA: &[&str] = &["application/json", "application/jwk-set+json"];
            let media = if media == MEDIA[0] { &MEDIA[..1] } else { &MEDIA[1..] };
            let what = "Show how tokens of service accounts are verified.";
            add(name, id, what, tag, Content::text(media), all);
            Texts::new()
        }
    }
}

/// A document with one operation, which answers this type of the machinery.
fn of_machinery(name: &str, kind: &str, id: &str, what: &str, tag: &str, all: &mut Texts) -> Texts {
    let mut schemas = Schemas::new("", "v1", true);
    let kind = schemas.machinery(kind);
    add(name, id, what, tag, Content::of(&kind.name, OBJECT), all);
    schemas.finish()
}

/// A path that is only read.
fn add(name: &str, id: &str, what: &str, tag: &str, answer: Content, all: &mut Texts) {
    let operation = Operation {
        method: "get",
        id: id.into(),
        description: what.into(),
        about: None,
        parameters: Vec::new(),
        body: None,
        answer,
        statuses: &[200],
    };
    all.insert(format!("/{name}/"), path_item(vec![operation], tag).to_string());
}

fn version_info() -> Value {
    let field = |&(name, always, text): &(&'static str, bool, &'static str)| {
        let mut told = json!({ "description": text, "type": "string" });
        if always {
            told["default"] = "".into();
        }
        (name, told)
    };
    let required: Vec<&str> = VERSION_FIELDS.iter().filter(|(_, always, _)| *always).map(|(name, ..)| *name).collect();
    json!({
        "description": "The version of a server.",
        "type": "object",
        "required": required,
        "properties": VERSION_FIELDS.iter().map(field).collect::<Map>(),
    })
}

fn written(paths: &Texts, schemas: &Texts, server: &str, builtin: bool) -> Vec<u8> {
    let mut out = String::from("{\"openapi\":\"3.0.0\",\"info\":");
    let info = match builtin {
        true => json!({ "title": "Kubernetes", "version": release(server) }),
        // As upstream calls them, so that nobody has to tell them apart by their paths.
        false => json!({ "title": "Kubernetes CRD Swagger", "version": "v0.1.0" }),
    };
    let _ = write!(out, "{info},\"paths\":{{");
    members(texts(paths), &mut out);
    out.push_str("},\"components\":{");
    if !schemas.is_empty() {
        out.push_str("\"schemas\":{");
        members(texts(schemas), &mut out);
        out.push_str(if builtin { "}," } else { "}" });
    }
    if builtin {
        let token = json!({
            "BearerToken": { "type": "apiKey", "description": TOKEN, "name": "authorization", "in": "header" },
        });
        let _ = write!(out, "\"securitySchemes\":{token}");
    }
    out.push_str("}}");
    out.into_bytes()
}

/// What the security scheme is.
pub(super) const TOKEN: &str = "A bearer token.";

/// Writes the members of an object.
pub(super) fn members<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>, out: &mut String) {
    for (place, (name, text)) in texts.into_iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let _ = write!(out, "{comma}{}:{text}", Value::from(name));
    }
}

fn texts(of: &Texts) -> impl Iterator<Item = (&str, &str)> {
    of.iter().map(|(name, text)| (name.as_str(), text.as_str()))
}

/// `1.36` of `v1.36.3`.
pub(super) fn release(server: &str) -> &str {
    let numbers = server.trim_start_matches('v');
    let second_dot = numbers.match_indices('.').nth(1);
    second_dot.map_or(numbers, |(at, _)| &numbers[..at])
}

/// A hash of what the document is made from, so that the index costs no documents, nor the
/// schemas of custom resources.
pub(super) fn hash(name: &str, of: &[&Definition], server: &str) -> String {
    // What the types and the code that writes them are: they are the same for one build.
    let mut text = format!("{} {} {name}", env!("OPENAPI_FINGERPRINT"), release(server));
    for definition in of {
        let subresources: Vec<_> =
            definition.subresources.iter().map(|sub| (&sub.name, &sub.kind, &sub.verbs)).collect();
        let _ = write!(
            text,
            "\n{}/{} {} {} {} {:?} {:?} {}",
            definition.api_version(),
            definition.resource,
            definition.kind,
            definition.list_kind,
            definition.namespaced,
            definition.verbs,
            subresources,
            definition.edition,
        );
    }
    sha512(text.as_bytes())
}
