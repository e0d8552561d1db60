//! Reads the first document of a YAML text into a tree.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use forms::yaml::Scalar;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use crate::codec::{DEPTH_MAX, Decoded, STRICT_MAX, base64, depth, json};
use crate::schema::{Schema, foreign};
use crate::tree::{Map, Value};

/// How many values aliases may stand for: a small text can ask for billions.
const ALIASED_MAX: usize = 100_000;

/// Keys that no reader of YAML finds too long.
const SHORT_KEY_BYTES: usize = 512;

/// Reads a document. Strict decoding finds keys that are there twice.
///
/// # Errors
/// What is wrong with the text.
pub fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    let mut decoded = decode_exactly(bytes)?;
    if foreign::has_text(&decoded.value) {
        foreign::settle(&Schema::default(), &mut decoded.value);
    }
    Ok(decoded)
}

/// As [`decode`], with integers as texts that are too large for a tree and that upstream writes into
/// JSON as they are: for what may be kept as text. See [`foreign::settle`].
///
/// # Errors
/// As [`decode`].
pub fn decode_exactly(bytes: &[u8]) -> Result<Decoded, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "yaml: invalid leading UTF-8 octet")?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match as_json(text) {
        Some(value) => Ok(Decoded { value, strict: Vec::new() }),
        None => read(text),
    }
}

fn read(text: &str) -> Result<Decoded, String> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        open_end: (!text.ends_with('\n')).then(|| text.chars().count()),
        anchors: HashMap::new(),
        aliased: 0,
        duplicates: Vec::new(),
    };
    let value = reader.document()?;
    let strict = match reader.duplicates.is_empty() {
        true => Vec::new(),
        // One finding, as upstream has it from its library.
        false => vec![format!("yaml: unmarshal errors:\n  {}", reader.duplicates.join("\n  "))],
    };
    Ok(Decoded { value, strict })
}

/// Most of what is applied comes as JSON, which is YAML, and is read in a fraction of the time.
/// Nothing where it might mean something else.
fn as_json(text: &str) -> Option<Value> {
    let plain = |byte: u8| matches!(byte, b' '..=b'~' | b'\n');
    if !text.starts_with('{') || !text.bytes().all(plain) || text.contains("\\u") {
        return None;
    }
    let Decoded { mut value, strict } = json::decode(text.as_bytes()).ok()?;
    if !strict.is_empty() || !means_the_same(&value) {
        return None;
    }
    value.sort_all_objects();
    Some(value)
}

/// Floats without a fraction are integers in YAML, and long keys are none.
fn means_the_same(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_i64(),
        Value::Array(items) => items.iter().all(means_the_same),
        Value::Object(members) => {
            members.iter().all(|(name, value)| name.len() <= SHORT_KEY_BYTES && means_the_same(value))
        }
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Raw(_) => true,
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    /// Where the text ends in characters, if its last line does not.
    open_end: Option<usize>,
    /// Values that aliases may refer to, and which of the duplicates are theirs; values that are still being
    /// read are not there.
    anchors: HashMap<usize, (Value, Range<usize>)>,
    aliased: usize,
    duplicates: Vec<String>,
}

type Item<'a> = (Event<'a>, Span);

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Value, String> {
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
                (Event::StreamEnd | Event::DocumentEnd, _) => return Ok(Value::Null),
                item => {
                    let value = self.value(item, 0)?;
                    // Whether the document ends where it should is known only now.
                    self.next()?;
                    return Ok(value);
                }
            }
        }
    }

    fn next(&mut self) -> Result<Item<'a>, String> {
        match self.parser.next_event() {
            Some(Ok(item)) => Ok(item),
            Some(Err(error)) => Err(syntax(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn value(&mut self, (event, span): Item<'a>, depth: usize) -> Result<Value, String> {
        if depth > DEPTH_MAX {
            return Err("yaml: exceeded max depth".into());
        }
        let duplicates = self.duplicates.len();
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let text = self.as_it_ended(&text, style, span);
                (anchor, scalar(text, style, tag.as_deref())?)
            }
            Event::SequenceStart(anchor, _) => (anchor, self.sequence(depth)?),
            Event::MappingStart(anchor, _) => (anchor, self.mapping(depth)?),
            Event::Alias(anchor) => return self.alias(anchor, span, depth),
            _ => return Err(located(span.start.line(), "did not find expected node content")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), duplicates..self.duplicates.len()));
        }
        Ok(value)
    }

    /// The parser ends the last line of every block, upstream's does not end the text's last.
    fn as_it_ended<'t>(&self, text: &'t str, style: ScalarStyle, span: Span) -> &'t str {
        let is_last = self.open_end.is_some_and(|end| span.end.index() >= end);
        match style {
            ScalarStyle::Literal | ScalarStyle::Folded if is_last => text.strip_suffix('\n').unwrap_or(text),
            _ => text,
        }
    }

    fn sequence(&mut self, depth: usize) -> Result<Value, String> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items.into()),
                item => items.push(self.value(item, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, String> {
        let mut members = Map::new();
        // A number is another key than its text, though not in JSON.
        let (mut no_texts, mut both) = (HashSet::new(), HashSet::new());
        loop {
            let item = self.next()?;
            if matches!(item.0, Event::MappingEnd) {
                break;
            }
            if is_merge(&item.0) {
                let item = self.next()?;
                let merged = self.value(item, depth + 1)?;
                merge(&mut members, merged)?;
                continue;
            }
            let written = self.value(item, depth + 1)?;
            let is_text = written.is_string();
            let key = key(written)?;
            let item = self.next()?;
            let line = item.1.start.line();
            let value = self.value(item, depth + 1)?;
            if members.contains_key(&key) {
                if is_text == no_texts.contains(&key) && !both.contains(&key) {
                    both.insert(key.clone());
                } else if self.duplicates.len() < STRICT_MAX {
                    let shown = if is_text { format!("{key:?}") } else { key.clone() };
                    self.duplicates.push(format!("line {line}: key {shown} already set in map"));
                }
            }
            if !is_text {
                no_texts.insert(key.clone());
            }
            members.insert(key, value);
        }
        // The text's order is lost in upstream's map; what is found later is found by name.
        members.sort_keys();
        Ok(members.into())
    }

    fn alias(&mut self, anchor: usize, span: Span, at: usize) -> Result<Value, String> {
        let line = span.start.line();
        let (value, duplicates) =
            self.anchors.get(&anchor).ok_or_else(|| located(line, "anchor value contains itself"))?;
        if at + depth(value) > DEPTH_MAX {
            return Err("yaml: exceeded max depth".into());
        }
        // Upstream reads it once more, and finds what it has found before.
        let again = duplicates.len().min(STRICT_MAX.saturating_sub(self.duplicates.len()));
        self.duplicates.extend_from_within(duplicates.start..duplicates.start + again);
        self.aliased += size(value);
        match self.aliased <= ALIASED_MAX {
            true => Ok(value.clone()),
            false => Err("yaml: document contains excessive aliasing".into()),
        }
    }
}

fn plain(text: &str) -> Result<Value, String> {
    Ok(match Scalar::read(text)? {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => value.into(),
        Scalar::Integer(value) => value.into(),
        // It is read as a float from the JSON in between. A tree knows it as a float.
        Scalar::Large(value) => Value::raw(&value.to_string()),
        Scalar::Float(value) => value.into(),
        Scalar::Text(text) => text.into(),
    })
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    let tag = tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str());
    let value = match (tag, style) {
        (Some("binary"), _) => {
            let bytes = base64::decode(text).map_err(|_| "yaml: !!binary value contains invalid base64 data")?;
            return Ok(String::from_utf8_lossy(&bytes).into());
        }
        (Some("str"), _) => return Ok(text.into()),
        (Some("bool" | "int" | "float" | "null"), _) | (None, ScalarStyle::Plain) => plain(text)?,
        _ => return Ok(text.into()),
    };
    if tag.is_none() {
        return Ok(value);
    }
    let value = value.opened().into_owned();
    let fits = match tag {
        Some("bool") => value.is_boolean(),
        Some("int") => value.is_i64(),
        Some("float") => value.is_number(),
        Some("null") => value.is_null(),
        _ => true,
    };
    match fits {
        true => Ok(value),
        false => Err(format!("yaml: cannot decode {} `{text}` as a !!{}", tag_of(&value), tag.unwrap_or_default())),
    }
}

fn tag_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "!!null",
        Value::Bool(_) => "!!bool",
        Value::Number(number) if number.is_i64() => "!!int",
        Value::Number(_) => "!!float",
        _ => "!!str",
    }
}

/// JSON's keys are strings.
fn key(value: Value) -> Result<String, String> {
    match value.opened().into_owned() {
        Value::String(text) => Ok(text.into()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Null => Err("unsupported map key of type: %!s(<nil>)".into()),
        value => Err(format!("yaml: invalid map key: {value}")),
    }
}

fn is_merge(event: &Event<'_>) -> bool {
    matches!(event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<")
}

/// `<<`: the members of a mapping, or of several of which the first counts most.
fn merge(members: &mut Map, merged: Value) -> Result<(), String> {
    match merged {
        Value::Object(merged) => {
            members.extend(merged);
            Ok(())
        }
        Value::Array(several) if several.iter().all(Value::is_object) => {
            several.into_iter().rev().try_for_each(|merged| merge(members, merged))
        }
        _ => Err("yaml: map merge requires map or sequence of maps as the value".into()),
    }
}

fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(members) => members.values().map(size).sum(),
        _ => 0,
    }
}

fn syntax(error: &ScanError) -> String {
    // Go tells what is wrong, and not in the middle of what it was found.
    let info = error.info();
    let what = info.strip_prefix("while ").and_then(|rest| rest.split_once(", ")).map_or(info, |(_, what)| what);
    let what = match what {
        _ if what.starts_with("unexpected character") => "found character that cannot start any token".into(),
        _ if what.starts_with("expected ") => format!("did not find {what}"),
        _ => what.to_string(),
    };
    // What is found by characters is told with its own line, what is found by words with the one before.
    let scanned = what.starts_with("found character") || what.ends_with("not allowed in this context");
    located(error.marker().line() + usize::from(scanned && error.marker().line() > 1), &what)
}

/// Upstream counts lines from zero, and does not tell the first.
fn located(line: usize, what: &str) -> String {
    match line {
        0 | 1 => format!("yaml: {what}"),
        line => format!("yaml: line {}: {what}", line - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json;

    #[test]
    fn documents_become_trees() {
        for (text, expected) in [
            ("", json!(null)),
            ("a: b", json!({"a": "b"})),
            ("apiVersion: v1\ndata:\n  a: \"1\"\n  b: 'yes'\n  c: |\n    x\n    y\n", {
                json!({"apiVersion": "v1", "data": {"a": "1", "b": "yes", "c": "x\ny\n"}})
            }),
            ("- a\n- 1\n- [x, {z: ~}]", json!(["a", 1, ["x", {"z": null}]])),
            ("y: 1\n1: 2\n1.5: 3\n", json!({"true": 1, "1": 2, "1.5": 3})),
            ("a: &x {b: 1}\nc:\n  <<: *x\n  d: *x\n", json!({"a": {"b": 1}, "c": {"b": 1, "d": {"b": 1}}})),
            ("a: !!str 1\nb: !!float 1\nc: !!binary aGk=", json!({"a": "1", "b": 1, "c": "hi"})),
            ("a: 1\n---\nb: 2", json!({"a": 1})),
            ("a: |\n  x\n  y", json!({"a": "x\ny"})),
            (r#"{"a": ["b", 1.5, true, null]}"#, json!({"a": ["b", 1.5, true, null]})),
            ("when: 2026-11-21T00:00:00Z", json!({"when": "2026-11-21T00:00:00Z"})),
        ] {
            assert_eq!(decode(text.as_bytes()).unwrap().value, expected, "{text}");
        }
    }

    #[test]
    fn json_means_what_it_means_as_yaml() {
        let long = format!(r#"{{"{}": 1}}"#, "k".repeat(SHORT_KEY_BYTES + 1));
        for (text, is_quick) in [
            (r#"{"b": {"z": [1, -2, true, null, "x"], "": []}, "a": "010", "<<": {}}"#, true),
            ("{\n  \"a\": \"\\\\ \\\" \\/ \\n \\t: # 'x' & *x\",\n  \"b\":1\n}\n", true),
            (r#"{"a": 1.0}"#, false),
            (r#"{"a": 1e3}"#, false),
            (r#"{"a": 18446744073709551615}"#, false),
            (r#"{"a": "\u00e9"}"#, false),
            (r#"{"a": "é"}"#, false),
            (r#"{"a": 1, "a": 2}"#, false),
            (r#"{"a": 010}"#, false),
            (r#"{a: b}"#, false),
            (&long, false),
        ] {
            let quick = as_json(text);
            assert_eq!(quick.is_some(), is_quick, "{text}");
            if let Some(quick) = quick {
                let slow = read(text).unwrap();
                assert_eq!((quick.to_string(), slow.strict), (slow.value.to_string(), vec![]), "{text}");
            }
        }
    }

    #[test]
    fn keys_are_sorted_as_they_are_after_upstreams_map() {
        assert_eq!(decode(b"b: 1\na: 2").unwrap().value.to_string(), r#"{"a":2,"b":1}"#);
    }

    #[test]
    fn duplicate_keys_are_one_finding() {
        let decoded = decode(b"a: 1\na: 2\nb:\n  c: 1\n  c: 2\n").unwrap();
        assert_eq!(decoded.value, json!({"a": 2, "b": {"c": 2}}));
        assert_eq!(
            decoded.strict,
            ["yaml: unmarshal errors:\n  line 2: key \"a\" already set in map\n  line 5: key \"c\" already set in map"]
        );
    }

    #[test]
    fn keys_are_told_apart_as_they_are_written() {
        for (text, expected) in [
            ("1: a\n1: b", "line 2: key 1 already set in map"),
            ("true: a\nyes: b", "line 2: key true already set in map"),
            ("1: a\n\"1\": b\n\"1\": c", "line 3: key \"1\" already set in map"),
            ("\"1\": a\n1: b\n1: c", "line 3: key 1 already set in map"),
            ("1: a\n'1': b", ""),
            ("'1': a\n1: b", ""),
            ("a: &x {k: 1, k: 2}\nb: *x\nc: *x", &["line 1: key \"k\" already set in map"; 3].join("\n  ")),
        ] {
            let found = decode(text.as_bytes()).unwrap().strict.join(", ");
            assert_eq!(found.strip_prefix("yaml: unmarshal errors:\n  ").unwrap_or(&found), expected, "{text}");
        }
        // What is found is bounded, however often it is said.
        let text = format!("a: &x {{k: 1, k: 2}}\nb: [{}]", "*x, ".repeat(2 * STRICT_MAX));
        assert_eq!(decode(text.as_bytes()).unwrap().strict[0].lines().count(), 1 + STRICT_MAX);
    }

    #[test]
    fn what_is_no_yaml_is_refused() {
        for text in ["a: b: c", "a: [1,2", "a: *x", "? [a]\n: b", "a: 'x", "!!int x", "a: @x", "a: .inf", "a: b\n- c"] {
            let error = decode(text.as_bytes()).unwrap_err();
            assert!(error.starts_with("yaml: ") || error.starts_with("json: "), "{text}: {error}");
        }
        assert!(decode(b"a: \xff").is_err());
    }

    #[test]
    fn small_texts_do_not_become_large_trees() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_string();
        for n in 1..10 {
            let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
            text += &format!("a{n}: &a{n} [{aliases}]\n");
        }
        assert_eq!(decode(text.as_bytes()).unwrap_err(), "yaml: document contains excessive aliasing");
        assert!(decode("[".repeat(10_000).as_bytes()).is_err());
        assert!(decode("a: &a [*a]".as_bytes()).is_err());
    }

    #[test]
    fn an_alias_does_not_nest_deeper_than_text_may() {
        let deep = |depth: usize, inner: &str| format!("{}{inner}{}", "[".repeat(depth), "]".repeat(depth));
        for (outer, fits) in [(10, true), (DEPTH_MAX - 60, false)] {
            let text = format!("a: &x {}\nb: {}\n", deep(60, "1"), deep(outer, "*x"));
            assert_eq!(decode(text.as_bytes()).is_ok(), fits, "{outer}");
        }
    }
}
