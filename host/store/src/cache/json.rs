//! One pass over a stored value, for the few things that the host has to know of it.
//!
//! The scanner checks that the value is JSON, since the host serves it as it is, and notes
//! where things are; it builds no tree. Only the objects on the way to something wanted are
//! entered, everything else is skipped without recursion, so depth costs nothing.

use std::borrow::Cow;

use super::claims::Claim;

/// Where things are in a value.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// Behind the leading `kind` and `apiVersion`, at the next member or the closing brace.
    pub(super) types_end: usize,
    /// Where `metadata.resourceVersion` goes, if there is a `metadata` object.
    pub(super) splice: Option<Splice>,
    pub(super) name: Option<Text>,
    pub(super) namespace: Option<Text>,
    pub(super) labels: Vec<(Text, Text)>,
    /// One for each selectable field of the claim; none if it is absent.
    pub(super) fields: Vec<Option<Text>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Splice {
    /// Behind another member.
    Behind(usize),
    /// Before another member.
    Before(usize),
    /// Between empty braces.
    Alone(usize),
}

/// A piece of text: a part of the value, unless it is written there with escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Text {
    Part(u32, u32),
    Own(Box<str>),
}

impl Text {
    pub(super) fn of<'a>(&'a self, json: &'a [u8]) -> &'a str {
        // The scanner has seen that all of it is UTF-8.
        std::str::from_utf8(self.bytes(json)).unwrap_or_default()
    }

    /// Cheaper, for those who only compare.
    pub(super) fn bytes<'a>(&'a self, json: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Part(start, end) => json.get(*start as usize..*end as usize).unwrap_or_default(),
            Self::Own(text) => text.as_bytes(),
        }
    }

    /// Follows the text when `by` bytes are put in (or taken out) at `at`.
    pub(super) fn shift(&mut self, at: usize, by: i64) {
        if let Self::Part(start, end) = self
            && *start as usize >= at
        {
            *start = (i64::from(*start) + by) as u32;
            *end = (i64::from(*end) + by) as u32;
        }
    }
}

/// Whether a value is as it is stored, or as it is served.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `metadata.resourceVersion` must not be there.
    Stored,
    Served,
}

/// Scans a value that begins with `{`. An error says what is wrong with it.
pub(super) fn scan(json: &[u8], form: Form, claim: &Claim) -> Result<Scan, String> {
    std::str::from_utf8(json).map_err(|error| format!("it is not UTF-8 at byte `{}`", error.valid_up_to()))?;
    let mut scanner = Scanner { json, at: 0, form, claim, found: Scan::default(), open: Vec::new() };
    scanner.found.fields.resize(claim.fields().len(), None);
    scanner.space();
    let all = if claim.fields().is_empty() { 0 } else { u64::MAX >> (64 - claim.fields().len().min(64)) };
    let whole = scanner.object(Place::Root, 0, all).and_then(|()| {
        scanner.space();
        if scanner.at == json.len() { Ok(()) } else { Err(scanner.wrong("there is something behind the object")) }
    });
    whole.map(|()| scanner.found).map_err(|Wrong(told)| format!("{}, at byte `{}`", told.0, told.1))
}

/// What is wrong, and at which byte. A word to hand on: of the many small steps hardly one fails.
struct Wrong(Box<(Cow<'static, str>, usize)>);

type Passed<T = ()> = Result<T, Wrong>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Metadata,
    Labels,
    /// On the way to a selectable field.
    Way,
}

struct Scanner<'a> {
    json: &'a [u8],
    at: usize,
    form: Form,
    claim: &'a Claim,
    found: Scan,
    /// What is open around a value that is passed over, innermost last.
    open: Vec<u8>,
}

/// A string as it is written, without its quotes.
#[derive(Clone, Copy)]
struct Token {
    start: u32,
    end: u32,
    escapes: Escapes,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    None,
    Right,
    /// They have to be looked at to know whether they are right.
    Unsure,
}

impl Scanner<'_> {
    /// An object that is entered. `fields` are the selectable fields whose paths lead here, as
    /// bits, and `level` is how far.
    fn object(&mut self, place: Place, level: usize, fields: u64) -> Passed {
        self.expect(b'{')?;
        let inside = self.at;
        let mut types = place == Place::Root;
        let (mut first, mut is_only) = (true, true);
        if place == Place::Root {
            self.space();
            self.found.types_end = self.at;
        }
        loop {
            self.space();
            if self.peek() == Some(b'}') && first {
                if place == Place::Metadata {
                    self.found.splice = Some(Splice::Alone(inside));
                }
                self.at += 1;
                return Ok(());
            }
            if first && place == Place::Metadata {
                self.found.splice = Some(Splice::Before(inside));
            }
            first = false;
            let name = self.string()?;
            self.space();
            self.expect(b':')?;
            self.space();
            let member = name.start as usize - 1;
            let is_type = self.member(place, level, fields, name)?;
            let is_uid = matches!(self.found.splice, Some(Splice::Behind(at)) if at == self.at);
            self.space();
            let next = self.next()?;
            types &= is_type;
            if types {
                let at = self.at;
                self.space();
                self.found.types_end = if next == b'}' { at - 1 } else { self.at };
            }
            match next {
                b',' => is_only = false,
                b'}' => {
                    // Names are sorted where one is the last of several: the version comes before the uid there.
                    if place == Place::Metadata && is_uid && !is_only {
                        self.found.splice = Some(Splice::Before(member));
                    }
                    return Ok(());
                }
                _ => return Err(self.wrong_before("`,` or `}` is missing")),
            }
        }
    }

    /// The value of a member. Says whether it was `kind` or `apiVersion` of the root.
    fn member(&mut self, place: Place, level: usize, fields: u64, name: Token) -> Passed<bool> {
        let text = self.text(name)?;
        let key = text.of(self.json);
        let mut deeper = 0;
        let mut here = 0;
        for (bit, field) in self.claim.fields().iter().enumerate().filter(|(bit, _)| fields >> bit & 1 == 1) {
            if field.path.get(level).is_some_and(|step| step == key) {
                *(if field.path.len() == level + 1 { &mut here } else { &mut deeper }) |= 1 << bit;
            }
        }
        let is_object = self.peek() == Some(b'{');
        let start = self.at;
        let mut is_type = false;
        match (place, key) {
            (Place::Root, "metadata") if is_object => {
                if self.found.splice.is_some() {
                    return Err(self.wrong("`metadata` is there twice"));
                }
                self.object(Place::Metadata, level + 1, deeper)?;
            }
            (Place::Metadata, "labels") if is_object => self.object(Place::Labels, level + 1, deeper)?,
            (Place::Metadata, "resourceVersion") if self.form == Form::Stored => {
                return Err(self.wrong("`metadata.resourceVersion` is set, which the store does"));
            }
            _ if is_object && deeper != 0 => self.object(Place::Way, level + 1, deeper)?,
            _ => {
                is_type = place == Place::Root && matches!(key, "kind" | "apiVersion");
                self.skip()?;
            }
        }
        match (place, key) {
            (Place::Metadata, "uid") => self.found.splice = Some(Splice::Behind(self.at)),
            (Place::Metadata, "name") => self.found.name = self.value(start)?,
            (Place::Metadata, "namespace") => self.found.namespace = self.value(start)?,
            (Place::Labels, _) if self.json[start] == b'"' => {
                let value = self.value(start)?;
                self.found.labels.extend(value.map(|value| (text, value)));
            }
            _ => {}
        }
        for bit in (0..64).filter(|bit| here >> bit & 1 == 1) {
            self.found.fields[bit] = self.value(start)?;
        }
        Ok(is_type)
    }

    /// The text of the value that began at `start` and ends here: of a string its characters, of a
    /// number or boolean how it is written, of anything else nothing.
    fn value(&self, start: usize) -> Passed<Option<Text>> {
        match self.json[start] {
            b'"' => {
                let (start, end) = (start + 1, self.at - 1);
                let is_escaped = self.json[start..end].contains(&b'\\');
                let escapes = if is_escaped { Escapes::Unsure } else { Escapes::None };
                self.text(Token { start: start as u32, end: end as u32, escapes }).map(Some)
            }
            b'{' | b'[' | b'n' => Ok(None),
            _ => Ok(Some(Text::Part(start as u32, self.at as u32))),
        }
    }

    fn text(&self, token: Token) -> Passed<Text> {
        if token.escapes == Escapes::None {
            return Ok(Text::Part(token.start, token.end));
        }
        let quoted = &self.json[token.start as usize - 1..=token.end as usize];
        let text: String = serde_json::from_slice(quoted).map_err(|_| self.wrong("a string has a wrong escape"))?;
        Ok(Text::Own(text.into()))
    }

    /// Passes over a value, whatever it is.
    fn skip(&mut self) -> Passed {
        self.open.clear();
        loop {
            self.space();
            match self.peek() {
                Some(b'"') => self.pass_string()?,
                Some(bracket @ (b'{' | b'[')) => {
                    self.at += 1;
                    self.space();
                    // Two behind both brackets in ASCII.
                    let close = bracket + 2;
                    if self.peek() != Some(close) {
                        self.open.push(close);
                        if close == b'}' {
                            self.name()?;
                        }
                        continue;
                    }
                    self.at += 1;
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                _ => return Err(self.wrong("a value is missing")),
            }
            loop {
                let Some(&close) = self.open.last() else { return Ok(()) };
                self.space();
                match self.next()? {
                    b',' => {
                        if close == b'}' {
                            self.space();
                            self.name()?;
                        }
                        break;
                    }
                    byte if byte == close => drop(self.open.pop()),
                    _ => return Err(self.wrong_before("`,` or a closing bracket is missing")),
                }
            }
        }
    }

    #[inline]
    fn name(&mut self) -> Passed {
        self.pass_string()?;
        self.space();
        self.expect(b':')
    }

    /// A string that nobody wants to know.
    #[inline]
    fn pass_string(&mut self) -> Passed {
        let token = self.string()?;
        if token.escapes == Escapes::Unsure { self.text(token).map(drop) } else { Ok(()) }
    }

    fn string(&mut self) -> Passed<Token> {
        self.expect(b'"')?;
        let start = self.at as u32;
        let mut escapes = Escapes::None;
        loop {
            self.at = behind_plain(self.json, self.at);
            match self.next()? {
                b'"' => return Ok(Token { start, end: self.at as u32 - 1, escapes }),
                b'\\' => {
                    let is_right = matches!(self.next()?, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't');
                    if !is_right {
                        escapes = Escapes::Unsure;
                    } else if escapes == Escapes::None {
                        escapes = Escapes::Right;
                    }
                }
                0..0x20 => return Err(self.wrong_before("a string has a control character")),
                _ => {}
            }
        }
    }

    fn number(&mut self) -> Passed {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Passed {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(self.wrong("a digit is missing")) }
    }

    fn word(&mut self, word: &[u8]) -> Passed {
        if !self.json[self.at..].starts_with(word) {
            return Err(self.wrong("a value is missing"));
        }
        self.at += word.len();
        Ok(())
    }

    #[inline]
    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    #[inline]
    fn next(&mut self) -> Passed<u8> {
        let byte = self.peek().ok_or_else(|| self.wrong("it ends too early"))?;
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Passed {
        if self.next()? == byte { Ok(()) } else { Err(self.missing(byte)) }
    }

    #[cold]
    fn missing(&self, byte: u8) -> Wrong {
        self.wrong_before(format!("`{}` is missing", char::from(byte)))
    }

    #[cold]
    fn wrong(&self, what: &'static str) -> Wrong {
        Wrong(Box::new((what.into(), self.at)))
    }

    /// Of the byte that was just taken.
    #[cold]
    fn wrong_before(&self, what: impl Into<Cow<'static, str>>) -> Wrong {
        Wrong(Box::new((what.into(), self.at - 1)))
    }
}

/// Behind characters of a string that are nothing else, eight at a time: most of a value are such, and
/// each write is looked at twice.
#[inline]
fn behind_plain(json: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::MAX / 0xff;
    // The highest bit of each byte that is below `limit`, as far as the first one: behind that
    // there may be more. `limit` is at most 128.
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & (ONES << 7);
    while let Some(bytes) = json.get(at..).and_then(|rest| rest.first_chunk()) {
        let word = u64::from_le_bytes(*bytes);
        let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
        let special = below(word, 0x20) | equal(b'"') | equal(b'\\');
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += bytes.len();
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::SelectableField;

    fn claim(paths: &[&str]) -> Claim {
        let field = |path: &&str| SelectableField {
            name: (*path).to_owned(),
            path: path.split('.').map(str::to_owned).collect(),
            absent: String::new(),
        };
        Claim::new(paths.iter().map(field).collect())
    }

    #[test]
    fn fields_and_labels_are_found_wherever_they_are() {
        let json = r#" {"kind":"T","a":[{"b":1}],"metadata":{"labels":{"x":"1","y\n":"\u00e9","z":3},"name":"n",
            "namespace":"s","annotations":{"name":"no"}},"spec":{"on":true,"deep":{"port":-8.5e3,"none":null,"list":[]}},
            "on":"root"}"#;
        let json = json.trim_start();
        let scan = scan(
            json.as_bytes(),
            Form::Stored,
            &claim(&["spec.on", "spec.deep.port", "spec.deep.none", "on", "spec.deep.list"]),
        )
        .unwrap();
        let text = |text: &Option<Text>| text.as_ref().map(|text| text.of(json.as_bytes()).to_owned());
        assert_eq!(text(&scan.name).as_deref(), Some("n"));
        assert_eq!(text(&scan.namespace).as_deref(), Some("s"));
        let labels: Vec<_> =
            scan.labels.iter().map(|(key, value)| (key.of(json.as_bytes()), value.of(json.as_bytes()))).collect();
        assert_eq!(labels, [("x", "1"), ("y\n", "é")]);
        let fields: Vec<_> = scan.fields.iter().map(text).collect();
        assert_eq!(fields, [Some("true".into()), Some("-8.5e3".into()), None, Some("root".into()), None]);
    }

    #[test]
    fn a_string_ends_at_its_quote_wherever_that_is() {
        for place in 0..30 {
            let before = "a".repeat(place);
            for (special, is_text) in [
                ("", true),
                ("\\\"", true),
                ("\\\\", true),
                ("\\u0041", true),
                ("\\ud800", false),
                ("\\x", false),
                ("é", true),
                ("\u{1}", false),
                ("\n", false),
            ] {
                for after in ["", "b", "bcdefghijk"] {
                    let json = format!(r#"{{"metadata":{{"name":"{before}{special}{after}"}},"x":"y"}}"#);
                    let scan = scan(json.as_bytes(), Form::Stored, &Claim::default());
                    assert_eq!(scan.is_ok(), is_text, "{json}");
                    let Ok(scan) = scan else { continue };
                    let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
                    let name = scan.name.map(|name| name.of(json.as_bytes()).to_owned());
                    assert_eq!(name.as_deref(), parsed["metadata"]["name"].as_str());
                }
            }
        }
    }

    #[test]
    fn the_leading_types_end_at_the_next_member() {
        for (json, rest) in [
            (r#"{"kind":"T","apiVersion":"v1","metadata":{}}"#, r#""metadata":{}}"#),
            (r#"{"apiVersion":"v1", "kind":"T", "a":1}"#, r#""a":1}"#),
            (r#"{"kind":"T","a":1,"apiVersion":"v1"}"#, r#""a":1,"apiVersion":"v1"}"#),
            (r#"{"kind":"T"}"#, "}"),
            (r#"{ "a":{"kind":"T"}}"#, r#""a":{"kind":"T"}}"#),
            ("{}", "}"),
        ] {
            let scan = scan(json.as_bytes(), Form::Stored, &Claim::default()).unwrap();
            assert_eq!(&json[scan.types_end..], rest, "of {json}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (json, what) in [
            (r#"{"a":1"#, "it ends too early, at byte `6`"),
            (r#"{"a":1}x"#, "there is something behind the object, at byte `7`"),
            (r#"{"a":01}"#, "`,` or `}` is missing, at byte `6`"),
            (r#"{"a" 1}"#, "`:` is missing, at byte `5`"),
            (r#"{"a":[1,]}"#, "a value is missing, at byte `8`"),
            (r#"{"a":"\x"}"#, "a string has a wrong escape, at byte `9`"),
            (r#"{"metadata":{},"metadata":{}}"#, "`metadata` is there twice, at byte `26`"),
            (
                r#"{"metadata":{"resourceVersion":"1"}}"#,
                "`metadata.resourceVersion` is set, which the store does, at byte `31`",
            ),
            ("{\"a\":\"\n\"}", "a string has a control character, at byte `6`"),
        ] {
            assert_eq!(scan(json.as_bytes(), Form::Stored, &Claim::default()), Err(what.to_owned()), "of {json}");
        }
        assert_eq!(
            scan(b"{\"a\":\"\xff\"}", Form::Stored, &Claim::default()),
            Err("it is not UTF-8 at byte `6`".to_owned())
        );
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(700_000), "]".repeat(700_000));
        assert!(scan(deep.as_bytes(), Form::Stored, &Claim::default()).is_ok());
    }

    /// JSON, with a little damage now and then.
    fn text() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i32>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            ".{0,6}".prop_map(Into::into),
        ];
        let tree = leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::vec(("[a-c\\\\\"é]{0,2}", inner), 0..4)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        });
        (prop::collection::vec(("[a-c]{1,2}", tree), 0..4), any::<bool>(), any::<Option<(prop::sample::Index, char)>>())
            .prop_map(|(members, pretty, damage)| {
                let value = serde_json::Value::Object(members.into_iter().collect());
                let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
                let mut chars: Vec<char> = text.unwrap_or_default().chars().collect();
                if let Some((at, char)) = damage {
                    // The first character stays: anything else is not scanned at all.
                    let at = 1 + at.index(chars.len() - 1);
                    chars[at] =
                        if char.is_alphanumeric() { char } else { ['"', '{', ']', ',', ':', '\\'][char as usize % 6] };
                }
                chars.into_iter().collect()
            })
    }

    proptest! {
        #[test]
        fn what_is_json_is_decided_as_serde_does(text in text()) {
            let parsed = serde_json::from_str::<serde_json::Value>(&text);
            let scanned = scan(text.as_bytes(), Form::Stored, &claim(&["a.b", "a.c.a", "b"]));
            // A number too large for a double is no error here; serde reads no further than that.
            prop_assume!(!parsed.as_ref().is_err_and(|error| error.to_string().contains("out of range")));
            // A member may be there twice.
            prop_assert_eq!(scanned.is_ok(), parsed.is_ok(), "{:?} {:?}", scanned, parsed);
            if let (Ok(scan), Ok(parsed)) = (scanned, parsed) {
                for (path, found) in [("/a/b", &scan.fields[0]), ("/a/c/a", &scan.fields[1]), ("/b", &scan.fields[2])] {
                    let wanted = parsed.pointer(path).and_then(serde_json::Value::as_str);
                    if let Some(wanted) = wanted {
                        prop_assert_eq!(found.as_ref().map(|found| found.of(text.as_bytes())), Some(wanted));
                    }
                }
            }
        }
    }
}
