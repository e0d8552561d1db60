//! What a request may ask for beside its object: `ListOptions`, `CreateOptions` and the
//! others, read from the query or the body, and validated with upstream's words.

use super::query::Query;
use crate::selector;
use crate::status::{ApiError, FieldError, FieldErrorKind};
use crate::tree::{Value, json};
use crate::validation::metadata;

/// `metav1.ListOptions`, for lists, watches and `deletecollection`.
#[derive(Debug, Default, Clone)]
pub struct ListOptions {
    pub label_selector: String,
    pub field_selector: String,
    pub resource_version: String,
    pub resource_version_match: String,
    pub continue_token: String,
    pub limit: i64,
    pub timeout_seconds: Option<i64>,
    pub allow_watch_bookmarks: bool,
    pub send_initial_events: Option<bool>,
}

impl ListOptions {
    /// `watch` is whether the query asks for a watch. The deprecated paths do without that, and upstream reads
    /// them as it reads those of a list.
    pub fn read(query: &Query, watch: bool) -> Result<Self, ApiError> {
        let mut options = Self {
            label_selector: query.text("labelSelector"),
            field_selector: query.text("fieldSelector"),
            resource_version: query.text("resourceVersion"),
            resource_version_match: query.text("resourceVersionMatch"),
            continue_token: query.text("continue"),
            limit: query.number("limit")?.unwrap_or(0),
            timeout_seconds: query.number("timeoutSeconds")?,
            allow_watch_bookmarks: query.flag("allowWatchBookmarks").unwrap_or(false),
            send_initial_events: query.flag("sendInitialEvents"),
        };
        // Upstream reads both selectors before it looks at what goes with what, and only then knows the fields.
        selector::parse_labels(&options.label_selector).map_err(ApiError::bad_request)?;
        selector::parse_terms(&options.field_selector).map_err(ApiError::bad_request)?;
        // Before there were initial events to ask for, a watch without a version began with them.
        if watch
            && matches!(options.resource_version.as_str(), "" | "0")
            && options.send_initial_events.is_none()
            && options.resource_version_match.is_empty()
        {
            options.send_initial_events = Some(true);
            options.resource_version_match = "NotOlderThan".to_string();
        }
        let errors = if watch { options.check_watch() } else { options.check_list() };
        refuse("ListOptions", errors).map(|()| options)
    }

    fn check_list(&self) -> Vec<FieldError> {
        const FIELD: &str = "resourceVersionMatch";
        let mut errors = Vec::new();
        if !self.resource_version_match.is_empty() {
            if self.resource_version.is_empty() {
                errors.push(FieldError::forbidden(
                    FIELD,
                    "resourceVersionMatch is forbidden unless resourceVersion is provided",
                ));
            }
            self.check_match_without_continue(&mut errors);
            if !matches!(self.resource_version_match.as_str(), "Exact" | "NotOlderThan") {
                errors.push(unsupported(FIELD, json!(self.resource_version_match), &["Exact", "NotOlderThan", ""]));
            }
            if self.resource_version_match == "Exact" && self.resource_version == "0" {
                errors.push(FieldError::forbidden(
                    FIELD,
                    "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
                ));
            }
        }
        if self.send_initial_events.is_some() {
            errors.push(FieldError::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        }
        errors
    }

    fn check_watch(&self) -> Vec<FieldError> {
        const FIELD: &str = "resourceVersionMatch";
        let mut errors = Vec::new();
        let named = self.resource_version_match.as_str();
        if self.send_initial_events.is_some() && named != "NotOlderThan" {
            errors.push(FieldError::forbidden(
                FIELD,
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ));
        }
        if !named.is_empty() {
            if self.send_initial_events.is_none() {
                errors.push(FieldError::forbidden(
                    FIELD,
                    "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
                ));
            }
            if named != "NotOlderThan" {
                errors.push(unsupported(FIELD, json!(named), &["NotOlderThan"]));
            }
            self.check_match_without_continue(&mut errors);
        }
        errors
    }

    fn check_match_without_continue(&self, errors: &mut Vec<FieldError>) {
        if !self.continue_token.is_empty() {
            errors.push(FieldError::forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden when continue is provided",
            ));
        }
    }
}

/// What is done about fields that the schema does not know, or that are there twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FieldValidation {
    Ignore,
    #[default]
    Warn,
    Strict,
}

/// What creates, updates and patches have in common: `CreateOptions`, `UpdateOptions` and
/// `PatchOptions`.
#[derive(Debug, Default, Clone)]
pub struct WriteOptions {
    pub dry_run: bool,
    pub field_manager: String,
    pub field_validation: FieldValidation,
    /// Apply takes over what others own.
    pub force: bool,
}

/// Which of the three options a write is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    Create,
    Update,
    Patch { apply: bool },
}

impl WriteOptions {
    pub fn read(query: &Query, write: Write) -> Result<Self, ApiError> {
        let mut errors = Vec::new();
        let (force, field_manager) = (query.flag("force"), query.text("fieldManager"));
        match write {
            Write::Patch { apply: true } if field_manager.is_empty() => {
                errors.push(FieldError::required("fieldManager", "is required for apply patch"));
            }
            Write::Patch { apply: false } if force.is_some() => {
                errors.push(FieldError::forbidden("force", "may not be specified for non-apply patch"));
            }
            _ => {}
        }
        metadata::field_manager(&field_manager, "fieldManager", &mut errors);
        let dry_run = check_dry_run(&query.all("dryRun"), &mut errors);
        let named = query.text("fieldValidation");
        let field_validation = match named.as_str() {
            "" | "Warn" => FieldValidation::Warn,
            "Ignore" => FieldValidation::Ignore,
            "Strict" => FieldValidation::Strict,
            _ => {
                errors.push(unsupported("fieldValidation", json!(named), &["", "Ignore", "Strict", "Warn"]));
                FieldValidation::Warn
            }
        };
        let kind = match write {
            Write::Create => "CreateOptions",
            Write::Update => "UpdateOptions",
            Write::Patch { .. } => "PatchOptions",
        };
        refuse(kind, errors)?;
        Ok(Self { dry_run, field_manager, field_validation, force: force.unwrap_or(false) })
    }
}

/// How the objects that an object owns are treated when it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    Orphan,
    Background,
    Foreground,
}

/// `metav1.DeleteOptions`.
#[derive(Debug, Default, Clone)]
pub struct DeleteOptions {
    pub dry_run: bool,
    pub grace_period_seconds: Option<i64>,
    pub uid: Option<String>,
    pub resource_version: Option<String>,
    pub orphan_dependents: Option<bool>,
    pub propagation: Option<Propagation>,
}

impl DeleteOptions {
    /// From the query, for a request without a body.
    pub fn from_query(query: &Query) -> Result<Self, ApiError> {
        // Preconditions stand among the others there.
        let precondition = |name: &str| query.get(name).filter(|value| !value.is_empty()).map(str::to_string);
        let options = Self {
            grace_period_seconds: query.number("gracePeriodSeconds")?,
            uid: precondition("uid"),
            resource_version: precondition("resourceVersion"),
            orphan_dependents: query.flag("orphanDependents"),
            ..Self::default()
        };
        options.checked(query.get("propagationPolicy"), &query.all("dryRun"))
    }

    /// From a body that was decoded as `DeleteOptions`.
    pub fn from_body(body: &Value) -> Result<Self, ApiError> {
        let text = |value: &Value| value.as_str().map(str::to_string);
        let preconditions = &body["preconditions"];
        let options = Self {
            grace_period_seconds: body["gracePeriodSeconds"].as_i64(),
            uid: text(&preconditions["uid"]),
            resource_version: text(&preconditions["resourceVersion"]),
            orphan_dependents: body["orphanDependents"].as_bool(),
            ..Self::default()
        };
        let dry_run: Vec<String> = body["dryRun"].as_array().into_iter().flatten().filter_map(text).collect();
        options.checked(body["propagationPolicy"].as_str(), &dry_run)
    }

    fn checked(mut self, policy: Option<&str>, dry_run: &[String]) -> Result<Self, ApiError> {
        const FIELD: &str = "propagationPolicy";
        let mut errors = Vec::new();
        if let Some(policy) = policy {
            if self.orphan_dependents.is_some() {
                let why = "orphanDependents and deletionPropagation cannot be both set";
                errors.push(FieldError::invalid(FIELD, &json!(policy), why));
            }
            self.propagation = match policy {
                "Orphan" => Some(Propagation::Orphan),
                "Background" => Some(Propagation::Background),
                "Foreground" => Some(Propagation::Foreground),
                _ => {
                    let supported = ["Foreground", "Background", "Orphan", "nil"];
                    errors.push(unsupported(FIELD, json!(policy), &supported));
                    None
                }
            };
        }
        self.dry_run = check_dry_run(dry_run, &mut errors);
        refuse("DeleteOptions", errors).map(|()| self)
    }
}

fn check_dry_run(values: &[String], errors: &mut Vec<FieldError>) -> bool {
    if values.iter().any(|value| value != "All") {
        errors.push(unsupported("dryRun", json!(values), &["All"]));
    }
    !values.is_empty()
}

fn unsupported(field: &str, value: Value, supported: &[&str]) -> FieldError {
    let names: Vec<String> = supported.iter().map(|name| format!("{name:?}")).collect();
    FieldError::new(
        FieldErrorKind::NotSupported,
        field,
        value.to_string(),
        format!("supported values: {}", names.join(", ")),
    )
}

fn refuse(kind: &str, errors: Vec<FieldError>) -> Result<(), ApiError> {
    if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid("meta.k8s.io", kind, "", &errors)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(query: &str, watch: bool) -> String {
        ListOptions::read(&Query::parse(query), watch).map_or_else(|error| error.message, |_| "ok".into())
    }

    #[test]
    fn list_options_are_refused_in_upstreams_words() {
        const INVALID: &str = "ListOptions.meta.k8s.io \"\" is invalid: ";
        for (query, watch, want) in [
            ("resourceVersion=5&resourceVersionMatch=Exact", false, "ok"),
            ("resourceVersionMatch=NotOlderThan&sendInitialEvents=true", true, "ok"),
            (
                "resourceVersionMatch=Exact",
                false,
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
            ),
            (
                "resourceVersion=1&resourceVersionMatch=Nonsense",
                false,
                "resourceVersionMatch: Unsupported value: \"Nonsense\": supported values: \"Exact\", \"NotOlderThan\", \"\"",
            ),
            (
                "sendInitialEvents=true",
                true,
                "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ),
            (
                "sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
                false,
                "[resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided, \
                 sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list]",
            ),
        ] {
            let want = if want == "ok" { want.to_string() } else { format!("{INVALID}{want}") };
            assert_eq!(list(query, watch), want, "{query}");
        }
    }

    #[test]
    fn a_watch_that_says_nothing_begins_with_all() {
        let read = |query: &str, watch: bool| {
            let options = ListOptions::read(&Query::parse(query), watch).expect("the query is good");
            (options.send_initial_events, options.resource_version_match)
        };
        for query in ["", "resourceVersion=0"] {
            assert_eq!(read(query, true), (Some(true), "NotOlderThan".to_string()), "{query}");
            assert_eq!(read(query, false), (None, String::new()), "{query}");
        }
        assert_eq!(read("resourceVersion=1", true), (None, String::new()));
        let never = "sendInitialEvents=false&resourceVersionMatch=NotOlderThan";
        assert_eq!(read(never, true), (Some(false), "NotOlderThan".to_string()));
    }

    #[test]
    fn write_options_are_refused_in_upstreams_words() {
        for (query, write, want) in [
            (
                "dryRun=Nonsense",
                Write::Create,
                "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"Nonsense\"]: supported values: \"All\"",
            ),
            (
                "",
                Write::Patch { apply: true },
                "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
            ),
            (
                "force=true",
                Write::Patch { apply: false },
                "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch",
            ),
        ] {
            assert_eq!(WriteOptions::read(&Query::parse(query), write).unwrap_err().message, want);
        }
    }

    #[test]
    fn delete_options_come_from_the_query_or_the_body() {
        let options =
            DeleteOptions::from_query(&Query::parse("propagationPolicy=Orphan&gracePeriodSeconds=7")).unwrap();
        assert_eq!((options.propagation, options.grace_period_seconds), (Some(Propagation::Orphan), Some(7)));
        let options = DeleteOptions::from_query(&Query::parse("uid=u&resourceVersion=")).unwrap();
        assert_eq!((options.uid.as_deref(), options.resource_version), (Some("u"), None));
        let body = json!({"preconditions": {"uid": "u"}, "dryRun": ["All"], "propagationPolicy": "Foreground"});
        let options = DeleteOptions::from_body(&body).unwrap();
        assert_eq!((options.uid.as_deref(), options.dry_run), (Some("u"), true));
        assert_eq!(options.propagation, Some(Propagation::Foreground));
        let error = DeleteOptions::from_query(&Query::parse("propagationPolicy=X")).unwrap_err();
        assert!(error.message.ends_with("supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""));
    }
}
