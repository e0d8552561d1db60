//! `GET` of a collection, once (list) or as it changes (watch).

use plugin_sdk::Answer;
use plugin_sdk::storage::{
    self, Collection, FieldRequirement, Freshness, ListQuery, Operator, Selector, WatchQuery, WatchStart,
};

use super::continuation::Continuation;
use super::errors::from_store_at;
use super::options::ListOptions;
use super::request::Request;
use crate::definition::Definition;
use crate::negotiate::Notation;
use crate::selector;
use crate::status::ApiError;

impl Request<'_> {
    pub(super) async fn list(&self) -> Result<Answer, ApiError> {
        self.wanted()?;
        let options = ListOptions::read(&self.query, false)?;
        let selector = self.selector(&options)?;
        let (collection, token) = self.collect(&options, selector).await?;
        self.answer_collection(collection, &token)
    }

    /// What a list finds, and the token of the next page.
    pub(super) async fn collect(
        &self,
        options: &ListOptions,
        selector: Selector,
    ) -> Result<(Collection, String), ApiError> {
        let prefix = self.prefix();
        // Whoever takes any version is given all at once, as from upstream's cache, which events are not in. One object
        // alone has no pages.
        let is_cached = &*self.definition.kind != "Event" || !self.definition.builtin;
        let is_one = options.continue_token.is_empty() && self.names_one(&selector);
        let limit = match is_one || is_cached && options.resource_version == "0" {
            true => 0,
            false => u64::try_from(options.limit).unwrap_or(0),
        };
        // Upstream reads the token before the version.
        let token = match options.continue_token.as_str() {
            "" => None,
            token => Some(Continuation::decode(token)?),
        };
        let (start, freshness, asked) = if let Some(token) = token {
            if !matches!(options.resource_version.as_str(), "" | "0") {
                return Err(ApiError::bad_request("specifying resource version is not allowed when using continue"));
            }
            let freshness = token.revision.map_or(Freshness::Latest, Freshness::Exact);
            (Some(format!("{prefix}{}", token.start)), freshness, token.revision.unwrap_or(0))
        } else {
            let version = parse_version(&options.resource_version)
                .map_err(|why| ApiError::bad_request(format!("invalid resource version: {why}")))?;
            (None, freshness(options, version), version.unwrap_or(0))
        };
        let continued = start.clone();
        let query = ListQuery { prefix: prefix.clone(), start, selector, freshness, limit };
        let collection = self.store.list(query).await.map_err(|error| match (&continued, &error) {
            (Some(start), storage::Error::Compacted(_)) => expired_page(&prefix, start),
            _ => from_store_at(asked, error),
        })?;
        let token = collection.next().map_or_else(String::new, |next| {
            let start = next.strip_prefix(&prefix).unwrap_or(&next).to_string();
            Continuation { revision: Some(collection.revision()), start }.encode()
        });
        Ok((collection, token))
    }

    pub(super) async fn watch(&self) -> Result<Answer, ApiError> {
        self.wanted()?;
        let options = ListOptions::read(&self.query, self.query.flag("watch").unwrap_or(false))?;
        let selector = self.selector(&options)?;
        let version = parse_version(&options.resource_version).map_err(|why| ApiError::new(500, "", why))?;
        let start = match (options.send_initial_events, version) {
            (Some(true), version) => WatchStart::InitialEvents(version.unwrap_or(0)),
            (Some(false), None) => WatchStart::Tail,
            (_, None | Some(0)) => WatchStart::Now,
            (_, Some(version)) => WatchStart::After(version),
        };
        let query = |start| WatchQuery {
            prefix: self.prefix(),
            selector: selector.clone(),
            start,
            bookmarks: options.allow_watch_bookmarks,
            timeout_ms: timeout_ms(options.timeout_seconds),
        };
        let watch = match self.store.watch(query(start)).await {
            // What was seen before a restore, say: there is nothing that is newer yet. A list at
            // such a version is refused, a watch waits, as upstream.
            Err(storage::Error::Ahead(_)) if options.send_initial_events.is_none() => {
                self.store.watch(query(WatchStart::Tail)).await
            }
            other => other,
        };
        match watch {
            Ok(watch) => self.answer_watch(watch),
            Err(storage::Error::Compacted(oldest)) => Err(too_old(version.unwrap_or(0), oldest)),
            // Upstream has begun to answer before it knows.
            Err(error @ storage::Error::Ahead(_)) => {
                let error = from_store_at(version.unwrap_or(0), error);
                let event = crate::tree::json!({"type": "ERROR", "object": error.to_value()});
                Ok(self.answer_value(200, event, Notation::PLAIN))
            }
            Err(error) => Err(from_store_at(version.unwrap_or(0), error)),
        }
    }

    /// Where the objects of the collection are.
    fn prefix(&self) -> String {
        match self.namespace() {
            "" => self.definition.storage_prefix.to_string(),
            namespace => format!("{}{namespace}/", self.definition.storage_prefix),
        }
    }

    /// Whether all that is asked for is one object, whose place is known.
    fn names_one(&self, selector: &Selector) -> bool {
        let has_place = !self.definition.namespaced || !self.namespace().is_empty();
        let is_name = |asked: &FieldRequirement| asked.name == "metadata.name" && asked.operator == Operator::Equals;
        has_place && selector.fields.iter().any(is_name)
    }

    pub(super) fn selector(&self, options: &ListOptions) -> Result<Selector, ApiError> {
        let mut selector = read_selector(self.definition, options)?;
        // The deprecated watch paths name one object.
        if !self.name().is_empty() {
            selector.fields.push(FieldRequirement {
                name: "metadata.name".to_string(),
                operator: Operator::Equals,
                value: self.name().to_string(),
            });
        }
        Ok(selector)
    }
}

fn read_selector(definition: &Definition, options: &ListOptions) -> Result<Selector, ApiError> {
    let labels = selector::parse_labels(&options.label_selector).map_err(ApiError::bad_request)?;
    let fields = selector::parse_fields(&options.field_selector, definition).map_err(ApiError::bad_request)?;
    Ok(Selector { labels, fields })
}

/// A version of zero is one that anything satisfies.
///
/// # Errors
/// What is wrong with the text, which reads and lists report differently.
pub(super) fn parse_version(text: &str) -> Result<Option<u64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    // Go knows no sign of what has none.
    let digits = if text.starts_with('+') { "" } else { text };
    digits.parse().map(Some).map_err(|error: std::num::ParseIntError| {
        let why = match error.kind() {
            std::num::IntErrorKind::PosOverflow => "value out of range",
            _ => "invalid syntax",
        };
        format!("resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: {why}")
    })
}

fn freshness(options: &ListOptions, version: Option<u64>) -> Freshness {
    match (version, options.resource_version_match.as_str()) {
        (None, _) => Freshness::Latest,
        (Some(0), _) => Freshness::Any,
        (Some(version), "Exact") => Freshness::Exact(version),
        (Some(version), "NotOlderThan") => Freshness::NotOlder(version),
        // Without a match, the first of several pages is the one at this version.
        (Some(version), _) if options.limit > 0 => Freshness::Exact(version),
        (Some(version), _) => Freshness::NotOlder(version),
    }
}

/// The revision of a list's first page is gone: the client may go on with what there is now.
fn expired_page(prefix: &str, start: &str) -> ApiError {
    let message = "The provided continue parameter is too old to display a consistent list result. You can start a new \
        list without the continue parameter, or use the continue token in this response to retrieve the remainder of \
        the results. Continuing with the provided token results in an inconsistent list - objects that were created, \
        modified, or deleted between the time the first chunk was returned and now may show up in the list.";
    let mut error = ApiError::new(410, "Expired", message);
    let start = start.strip_prefix(prefix).unwrap_or(start).to_string();
    error.continue_token = Some(Continuation { revision: None, start }.encode());
    error
}

fn too_old(version: u64, oldest: u64) -> ApiError {
    ApiError::new(410, "Expired", format!("too old resource version: {version} ({oldest})"))
}

/// How long a watch lasts that says so; none and zero mean the host's choice, as upstream.
fn timeout_ms(seconds: Option<i64>) -> Option<u64> {
    let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
    seconds.map(|seconds| seconds.saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_says_how_fresh_a_list_must_be() {
        let options = |matching: &str, limit| ListOptions {
            resource_version_match: matching.to_string(),
            limit,
            ..ListOptions::default()
        };
        for (version, matching, limit, want) in [
            (None, "", 0, "Latest"),
            (Some(0), "", 5, "Any"),
            (Some(7), "Exact", 0, "Exact(7)"),
            (Some(7), "NotOlderThan", 5, "NotOlder(7)"),
            (Some(7), "", 5, "Exact(7)"),
            (Some(7), "", 0, "NotOlder(7)"),
        ] {
            let got = format!("{:?}", freshness(&options(matching, limit), version));
            assert!(got.ends_with(want), "{got} for {version:?} {matching} {limit}");
        }
    }

    #[test]
    fn what_is_no_version_is_refused_in_upstreams_words() {
        assert_eq!(
            parse_version("nonsense").unwrap_err(),
            "resourceVersion: Invalid value: \"nonsense\": \
             strconv.ParseUint: parsing \"nonsense\": invalid syntax"
        );
    }

    #[test]
    fn a_watch_without_a_time_of_its_own_lasts_as_long_as_the_host_says() {
        for (seconds, ms) in
            [(None, None), (Some(0), None), (Some(-1), None), (Some(2), Some(2000)), (Some(i64::MAX), Some(u64::MAX))]
        {
            assert_eq!(timeout_ms(seconds), ms, "{seconds:?}");
        }
    }
}
