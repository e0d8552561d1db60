//! Whom somebody wants to be, as the headers say.

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

use crate::authn::User;
use crate::response::Failure;

const USER: HeaderName = HeaderName::from_static("impersonate-user");
const UID: HeaderName = HeaderName::from_static("impersonate-uid");
const GROUP: HeaderName = HeaderName::from_static("impersonate-group");
const EXTRA: &str = "impersonate-extra-";

/// Nothing if they say nothing.
pub(super) fn user(headers: &HeaderMap) -> Result<Option<User>, Failure> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let name = headers.get(USER).map(text).unwrap_or_default();
    let uid = headers.get(UID).map(text).unwrap_or_default();
    let groups: Vec<String> = headers.get_all(GROUP).iter().map(text).collect();
    let mut extra: Vec<(String, Vec<String>)> = Vec::new();
    for (header, value) in headers {
        let Some(key) = header.as_str().strip_prefix(EXTRA) else { continue };
        let key = percent_decode_str(key).decode_utf8().map_or_else(|_| key.to_owned(), Into::into);
        match extra.iter_mut().find(|(other, _)| *other == key) {
            Some((_, values)) => values.push(text(value)),
            None => extra.push((key, vec![text(value)])),
        }
    }
    if !name.is_empty() {
        return Ok(Some(User { name, uid, groups, extra }));
    }
    if uid.is_empty() && groups.is_empty() && extra.is_empty() {
        return Ok(None);
    }
    extra.sort();
    let wanted = go_syntax(&uid, &groups, &extra);
    Err(Failure::bad_request(format!("requested {wanted} without impersonating a user name")))
}

/// A user without a name, as Go would write him: upstream tells clients so.
fn go_syntax(uid: &str, groups: &[String], extra: &[(String, Vec<String>)]) -> String {
    let joined = |items: Vec<String>| items.join(", ");
    let list = |values: &[String]| match values {
        [] => "[]string(nil)".to_owned(),
        values => format!("[]string{{{}}}", joined(values.iter().map(|value| format!("{value:?}")).collect())),
    };
    let extra = match extra {
        [] => "map[string][]string(nil)".to_owned(),
        extra => {
            let fields = extra.iter().map(|(key, values)| format!("{key:?}:{}", list(values)));
            format!("map[string][]string{{{}}}", joined(fields.collect()))
        }
    };
    format!("&user.DefaultInfo{{Name:\"\", UID:{uid:?}, Groups:{}, Extra:{extra}}}", list(groups))
}
