//! Secrets: texts that come as `stringData`, keys that certain types must have, and
//! `immutable`.

use apimachinery::codec::json;
use apimachinery::status::{FieldError, FieldErrorKind};
use apimachinery::strategy::{Operation, Strategy};
use apimachinery::tree::Value;
use apimachinery::validation::metadata;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::configmaps::{check_immutable, check_key};
use crate::check;
use crate::tree::{child, or_set_text, remove, text};

/// What PEM starts with.
const BEGIN: &[u8] = b"-----BEGIN";
const SIZE_MAX: usize = 1024 * 1024;
const ACCOUNT: &str = "kubernetes.io/service-account.name";

pub(super) struct Secrets;

impl Strategy for Secrets {
    fn default(&self, object: &mut Value) {
        or_set_text(object, "type", "Opaque");
        // Written for convenience, kept as if it had been encoded all along.
        if let Some(Value::Object(texts)) = remove(object, "stringData") {
            let data = child(object, "data");
            for (key, value) in texts {
                data[key] = STANDARD.encode(value.as_str().unwrap_or_default()).into();
            }
        }
    }

    fn warnings(&self, _operation: &Operation<'_>, object: &Value, _old: Option<&Value>) -> Vec<String> {
        // Whether a key fits its certificate is for those who use them.
        let lacks = |key: &str| !decoded(&object["data"][key]).windows(BEGIN.len()).any(|window| window == BEGIN);
        let missing = [("tls.crt", "certificate"), ("tls.key", "key")].into_iter().find(|(key, _)| lacks(key));
        match missing.filter(|_| text(object, "type") == "kubernetes.io/tls") {
            Some((_, what)) => vec![format!("tls: failed to find any PEM data in {what} input")],
            None => Vec::new(),
        }
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        let data = &object["data"];
        let mut size = 0;
        for (key, value) in data.as_object().into_iter().flatten() {
            check_key("data", key, errors);
            size += decoded(value).len();
        }
        if size > SIZE_MAX {
            let why = format!("may not be more than {SIZE_MAX} bytes");
            errors.push(FieldError::new(FieldErrorKind::TooLong, "data", "", why));
        }
        match text(object, "type") {
            "kubernetes.io/service-account-token" if text(&object["metadata"]["annotations"], ACCOUNT).is_empty() => {
                errors.push(FieldError::required(format!("metadata.annotations[{ACCOUNT}]"), ""));
            }
            "kubernetes.io/dockercfg" => document(data, ".dockercfg", errors),
            "kubernetes.io/dockerconfigjson" => document(data, ".dockerconfigjson", errors),
            "kubernetes.io/basic-auth" if data.get("username").is_none() && data.get("password").is_none() => {
                errors.push(FieldError::required("data[username]", ""));
                errors.push(FieldError::required("data[password]", ""));
            }
            "kubernetes.io/ssh-auth" if decoded(&data["ssh-privatekey"]).is_empty() => {
                errors.push(FieldError::required("data[ssh-privatekey]", ""));
            }
            "kubernetes.io/tls" => {
                for key in ["tls.crt", "tls.key"] {
                    if data.get(key).is_none() {
                        errors.push(FieldError::required(format!("data[{key}]"), ""));
                    }
                }
            }
            _ => {}
        }
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        check::immutable("type", &object["type"], &old["type"], errors);
        check_immutable(&["data"], object, old, errors);
        metadata::late(operation.definition, operation.subresource, object, errors);
        self.validate(operation, object, errors);
    }
}

/// A key that must hold JSON.
fn document(data: &Value, key: &str, errors: &mut Vec<FieldError>) {
    let Some(value) = data.get(key) else {
        errors.push(FieldError::required(format!("data[{key}]"), ""));
        return;
    };
    let read = json::decode(&decoded(value)).and_then(|read| match read.value {
        Value::Object(_) | Value::Null => Ok(()),
        other => {
            let found = json::kind(&other);
            Err(format!("json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"))
        }
    });
    if let Err(why) = read {
        // A secret's value is shown to nobody.
        let hidden = Value::from("<secret contents redacted>");
        errors.push(FieldError::invalid(format!("data[{key}]"), &hidden, why));
    }
}

fn decoded(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use apimachinery::tree::json;

    #[test]
    fn a_document_is_an_object() {
        for (text, why) in [
            ("{}", None),
            ("null", None),
            ("1", Some("json: cannot unmarshal number into Go value of type map[string]interface {}")),
            ("f", Some("invalid character ' ' in literal false (expecting 'a')")),
        ] {
            let mut errors = Vec::new();
            document(&json!({"k": STANDARD.encode(text)}), "k", &mut errors);
            assert_eq!(errors.first().map(|error| error.detail.as_str()), why, "{text}");
        }
    }

    #[test]
    fn texts_become_data() {
        let mut object = json!({"stringData": {"a": "b"}, "data": {"a": "eA==", "c": "ZA=="}});
        Secrets.default(&mut object);
        assert_eq!(object, json!({"data": {"a": "Yg==", "c": "ZA=="}, "type": "Opaque"}));
    }
}
