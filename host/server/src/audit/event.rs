//! What is written: `Event` of audit.k8s.io/v1, field by field in upstream's order.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::policy::{Level, Stage};
use crate::authn::User;
use crate::limits::AUDIT_USER_AGENT_BYTES_MAX;
use crate::request::RequestInfo;

pub(crate) const API_VERSION: &str = "audit.k8s.io/v1";

/// One stage of one request.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event {
    pub(super) kind: &'static str,
    pub(super) api_version: &'static str,
    pub(super) level: Level,
    #[serde(rename = "auditID")]
    pub(super) audit_id: String,
    pub(super) stage: Stage,
    #[serde(rename = "requestURI")]
    pub(super) request_uri: String,
    pub(super) verb: String,
    pub(super) user: UserInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) impersonated_user: Option<UserInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) authentication_metadata: Option<AuthenticationMetadata>,
    #[serde(rename = "sourceIPs", skip_serializing_if = "Vec::is_empty")]
    pub(super) source_ips: Vec<IpAddr>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) user_agent: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) object_ref: Option<ObjectReference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_status: Option<ResponseStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_object: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_object: Option<Value>,
    #[serde(serialize_with = "micro_time")]
    pub(super) request_received_timestamp: OffsetDateTime,
    #[serde(serialize_with = "micro_time")]
    pub(super) stage_timestamp: OffsetDateTime,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct UserInfo {
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    uid: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extra: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthenticationMetadata {
    /// The verb of the narrow way in which somebody is impersonated.
    pub(super) impersonation_constraint: String,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ObjectReference {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) resource: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) uid: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) api_group: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) api_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) resource_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) subresource: String,
}

/// What an event keeps of a `Status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct ResponseStatus {
    /// Always empty, and always there.
    pub(super) metadata: Empty,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) status: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) details: Option<Value>,
    pub(super) code: u16,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Empty {}

impl From<&User> for UserInfo {
    fn from(user: &User) -> Self {
        Self {
            username: user.name.clone(),
            uid: user.uid.clone(),
            groups: user.groups.clone(),
            extra: user.extra.iter().cloned().collect(),
        }
    }
}

impl ObjectReference {
    /// Nothing for paths that are no resources.
    pub(super) fn new(info: &RequestInfo) -> Option<Self> {
        info.is_resource_request().then(|| Self {
            resource: info.resource().to_owned(),
            namespace: info.namespace().to_owned(),
            name: info.name().to_owned(),
            api_group: info.api_group().to_owned(),
            api_version: info.api_version().to_owned(),
            subresource: info.subresource().to_owned(),
            ..Self::default()
        })
    }
}

impl ResponseStatus {
    pub(super) fn failure(code: u16, reason: &str, message: impl Into<String>) -> Self {
        Self {
            status: "Failure".to_owned(),
            message: message.into(),
            reason: reason.to_owned(),
            code,
            ..Self::default()
        }
    }

    /// The fields of a `Status` object that are kept.
    pub(super) fn of(status: &Value, code: u16) -> Self {
        let text = |field: &str| status[field].as_str().unwrap_or_default().to_owned();
        Self {
            status: text("status"),
            message: text("message"),
            reason: text("reason"),
            details: status.get("details").cloned(),
            code,
            ..Self::default()
        }
    }
}

impl Event {
    /// One line, as `legacy` writes it.
    pub(super) fn summary(&self) -> String {
        let quoted = |texts: &[String]| texts.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(",");
        let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
        let groups = or(&quoted(&self.user.groups), "<none>");
        let (as_user, as_groups) = match &self.impersonated_user {
            Some(user) => (user.username.clone(), quoted(&user.groups)),
            None => ("<self>".to_owned(), "<lookup>".to_owned()),
        };
        let namespace = self.object_ref.as_ref().map(|object| object.namespace.as_str()).unwrap_or_default();
        let response = self.response_status.as_ref().map(|status| status.code.to_string());
        let mut line = String::new();
        let _ = write!(
            line,
            "{received} AUDIT: id={id:?} stage=\"{stage:?}\" ip={ip:?} method={method:?} user={user:?} groups={groups:?} \
             as={as_user:?} asgroups={as_groups:?} user-agent={agent:?} namespace={namespace:?} uri={uri:?} \
             response=\"{response}\"",
            received = MicroTime(self.request_received_timestamp),
            id = self.audit_id,
            stage = self.stage,
            ip = self.source_ips.first().map_or_else(|| "<unknown>".to_owned(), IpAddr::to_string),
            method = self.verb,
            user = or(&self.user.username, "<none>"),
            agent = self.user_agent,
            namespace = or(namespace, "<none>"),
            uri = self.request_uri,
            response = response.as_deref().unwrap_or("<deferred>"),
        );
        line
    }
}

/// Who asks, as far as headers and the connection tell; all but the last one may be made up.
pub(super) fn source_ips(headers: &HeaderMap, peer: IpAddr) -> Vec<IpAddr> {
    let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let mut ips: Vec<IpAddr> = Vec::new();
    if let Some(forwarded) = header("x-forwarded-for") {
        ips.extend(forwarded.split(',').filter_map(|ip| ip.trim().parse::<IpAddr>().ok()));
    }
    if let Some(real) = header("x-real-ip").and_then(|ip| ip.parse().ok())
        && !ips.contains(&real)
    {
        ips.push(real);
    }
    let peer = peer.to_canonical();
    if ips.last() != Some(&peer) {
        ips.push(peer);
    }
    ips
}

pub(super) fn user_agent(headers: &HeaderMap) -> String {
    let agent = headers.get(USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
    match agent.get(..AUDIT_USER_AGENT_BYTES_MAX) {
        Some(cut) if agent.len() > AUDIT_USER_AGENT_BYTES_MAX => {
            format!("{}...TRUNCATED", String::from_utf8_lossy(cut))
        }
        _ => String::from_utf8_lossy(agent).into_owned(),
    }
}

/// UTC with six digits, as Go writes `metav1.MicroTime`.
struct MicroTime(OffsetDateTime);

impl std::fmt::Display for MicroTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let t = self.0;
        let (year, month, day) = t.to_calendar_date();
        let (hour, minute, second) = t.to_hms();
        let (month, micros) = (u8::from(month), t.microsecond());
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

fn micro_time<S: serde::Serializer>(time: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&MicroTime(*time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::testing::{Headers, request};

    #[test]
    fn the_sources_of_a_request_are_listed_as_upstream_does() {
        let peer = IpAddr::from([10, 0, 0, 9]);
        let cases: [(Headers, &[&str]); 6] = [
            (&[], &["10.0.0.9"]),
            (&[("x-forwarded-for", "1.1.1.1, nonsense,2.2.2.2")], &["1.1.1.1", "2.2.2.2", "10.0.0.9"]),
            (&[("x-forwarded-for", "1.1.1.1"), ("x-real-ip", "1.1.1.1")], &["1.1.1.1", "10.0.0.9"]),
            (&[("x-real-ip", "3.3.3.3")], &["3.3.3.3", "10.0.0.9"]),
            (&[("x-forwarded-for", "10.0.0.9")], &["10.0.0.9"]),
            (&[("x-real-ip", "::1")], &["::1", "10.0.0.9"]),
        ];
        for (headers, expected) in cases {
            let got = source_ips(request("GET", "/", headers).headers(), peer);
            assert_eq!(got.iter().map(IpAddr::to_string).collect::<Vec<_>>(), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_long_user_agent_is_cut() {
        let long = "x".repeat(AUDIT_USER_AGENT_BYTES_MAX + 1);
        let cut = format!("{}...TRUNCATED", &long[1..]);
        for (agent, expected) in [("curl/8", "curl/8"), (&long[1..], &long[1..]), (&long, &cut)] {
            assert_eq!(user_agent(request("GET", "/", &[("user-agent", agent)]).headers()), expected);
        }
    }
}
