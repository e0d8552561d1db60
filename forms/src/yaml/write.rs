//! Writes a tree as YAML in upstream's form: sorted keys, lists not indented, strings quoted
//! only where they must be, long lines folded at spaces.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::{Number, Value};

use super::{order, scalar};

const INDENT: usize = 2;
/// Lines are broken at the first space behind this column.
const WIDTH: usize = 80;
/// Longer keys, and those of several lines, are written in the long form.
const SIMPLE_KEY_MAX: usize = 128;

/// What can be written.
pub trait Tree: Clone {
    fn node(&self) -> Node<'_, Self>;

    /// What it says, where it is kept as a text.
    fn opened(&self) -> Cow<'_, Self> {
        Cow::Borrowed(self)
    }
}

/// A tree as it is from the outside.
pub enum Node<'t, T> {
    Null,
    Bool(bool),
    Number(&'t Number),
    Text(&'t str),
    List(&'t [T]),
    /// In any order.
    Members(Vec<(&'t str, &'t T)>),
}

pub fn encode(tree: &impl Tree) -> Vec<u8> {
    let mut writer = Writer { out: String::with_capacity(1024) };
    match tree.opened().node() {
        Node::Members(members) if !members.is_empty() => writer.mapping(members, 0),
        Node::List(items) if !items.is_empty() => writer.sequence(items, 0),
        scalar => {
            writer.scalar(&scalar, 0, Place::Value);
            writer.out.push('\n');
        }
    }
    writer.out.into_bytes()
}

impl Tree for Value {
    fn node(&self) -> Node<'_, Self> {
        match self {
            Self::Null => Node::Null,
            Self::Bool(value) => Node::Bool(*value),
            Self::Number(number) => Node::Number(number),
            Self::String(text) => Node::Text(text),
            Self::Array(items) => Node::List(items),
            Self::Object(members) => Node::Members(members.iter().map(|(key, value)| (&**key, value)).collect()),
        }
    }
}

struct Writer {
    out: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// On the line of its value: in one line.
    SimpleKey,
    Value,
}

impl Writer {
    /// The first entry follows where the writer stands, the rest on lines of their own.
    fn mapping<T: Tree>(&mut self, mut members: Vec<(&str, &T)>, indent: usize) {
        order::sort(&mut members);
        for (at, (key, value)) in members.into_iter().enumerate() {
            if at > 0 {
                self.indent(indent);
            }
            if key.contains(is_break) || key.len() > SIMPLE_KEY_MAX {
                self.out.push_str("? ");
                self.string(key, indent + INDENT, Place::Value);
                self.end_line();
                self.indent(indent);
            } else {
                self.string(key, indent, Place::SimpleKey);
            }
            self.out.push(':');
            match value.opened().node() {
                Node::Members(members) if !members.is_empty() => {
                    self.out.push('\n');
                    self.indent(indent + INDENT);
                    self.mapping(members, indent + INDENT);
                }
                Node::List(items) if !items.is_empty() => {
                    self.out.push('\n');
                    self.indent(indent);
                    self.sequence(items, indent);
                }
                scalar => {
                    self.out.push(' ');
                    self.scalar(&scalar, indent + INDENT, Place::Value);
                    self.end_line();
                }
            }
        }
    }

    fn sequence<T: Tree>(&mut self, items: &[T], indent: usize) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.indent(indent);
            }
            self.out.push_str("- ");
            match item.opened().node() {
                Node::Members(members) if !members.is_empty() => self.mapping(members, indent + INDENT),
                Node::List(items) if !items.is_empty() => self.sequence(items, indent + INDENT),
                scalar => {
                    self.scalar(&scalar, indent + INDENT, Place::Value);
                    self.end_line();
                }
            }
        }
    }

    /// What has no members and no items. `indent` is that of further lines.
    fn scalar<T>(&mut self, node: &Node<T>, indent: usize, place: Place) {
        match node {
            Node::Null => self.out.push_str("null"),
            Node::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Node::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
                Some(value) => self.out.push_str(&float(value)),
                None => write!(self.out, "{number}").expect("a string takes all"),
            },
            Node::Text(text) => self.string(text, indent, place),
            Node::List(_) => self.out.push_str("[]"),
            Node::Members(_) => self.out.push_str("{}"),
        }
    }

    fn string(&mut self, text: &str, indent: usize, place: Place) {
        let shape = Shape::of(text);
        let is_literal = text.contains('\n') && place == Place::Value && shape.block;
        match () {
            () if is_literal => self.literal(text, indent),
            () if text.contains('\n') || !scalar::is_string(text) || !shape.single => {
                self.double_quoted(text, indent, place);
            }
            () if shape.plain => self.folded(text, indent, place, false),
            () => {
                self.out.push('\'');
                self.folded(text, indent, place, true);
                self.out.push('\'');
            }
        }
    }

    /// `|`, with hints where indentation or the last lines would be misread.
    fn literal(&mut self, text: &str, indent: usize) {
        self.out.push('|');
        if text.starts_with([' ', '\n']) {
            write!(self.out, "{INDENT}").expect("a string takes all");
        }
        match text.strip_suffix('\n') {
            None => self.out.push('-'),
            Some(rest) if rest.is_empty() || rest.ends_with('\n') => self.out.push('+'),
            Some(_) => {}
        }
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            self.out.push('\n');
            if !line.is_empty() {
                self.indent(indent);
                self.out.push_str(line);
            }
        }
        // The end of the last line is the text's own, if it has one.
        self.out.push('\n');
    }

    /// A plain or single-quoted text, whose long lines are broken at single spaces.
    fn folded(&mut self, text: &str, indent: usize, place: Place, quoted: bool) {
        let mut after_space = false;
        let mut column = self.column();
        let mut chars = text.chars().enumerate().peekable();
        while let Some((at, char)) = chars.next() {
            let next = chars.peek().map(|(_, next)| *next);
            let may_break = !quoted || at > 0 && next.is_some();
            if char == ' ' && place == Place::Value && !after_space && column > WIDTH && next != Some(' ') && may_break
            {
                self.out.push('\n');
                self.indent(indent);
                column = indent;
            } else {
                if quoted && char == '\'' {
                    self.out.push('\'');
                    column += 1;
                }
                self.out.push(char);
                column += 1;
            }
            after_space = char == ' ';
        }
    }

    fn double_quoted(&mut self, text: &str, indent: usize, place: Place) {
        self.out.push('"');
        let mut after_space = false;
        let mut chars = text.chars().enumerate().peekable();
        while let Some((at, char)) = chars.next() {
            let next = chars.peek().map(|(_, next)| *next);
            let fold = char == ' ' && place == Place::Value && !after_space && at > 0 && next.is_some();
            if fold && self.column() > WIDTH {
                self.out.push('\n');
                self.indent(indent);
                if next == Some(' ') {
                    self.out.push('\\');
                }
            } else {
                self.escaped(char);
            }
            after_space = char == ' ';
        }
        self.out.push('"');
    }

    fn escaped(&mut self, char: char) {
        let short = match char {
            '\0' => '0',
            '\x07' => 'a',
            '\x08' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\x0b' => 'v',
            '\x0c' => 'f',
            '\r' => 'r',
            '\x1b' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            char if is_printable(char) => return self.out.push(char),
            char => {
                let code = u32::from(char);
                let written = match code {
                    0..0x100 => write!(self.out, "\\x{code:02X}"),
                    0x100..0x1_0000 => write!(self.out, "\\u{code:04X}"),
                    _ => write!(self.out, "\\U{code:08X}"),
                };
                return written.expect("a string takes all");
            }
        };
        self.out.push('\\');
        self.out.push(short);
    }

    fn indent(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    fn column(&self) -> usize {
        self.out.rsplit('\n').next().map_or(0, |line| line.chars().count())
    }

    fn end_line(&mut self) {
        if !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }
}

/// The styles that a text can be written in.
struct Shape {
    plain: bool,
    single: bool,
    block: bool,
}

impl Shape {
    fn of(text: &str) -> Self {
        let special = text.chars().any(|char| char != '\n' && (!is_printable(char) || is_break(char)));
        let space_break = text.contains(" \n");
        let edge = text.starts_with([' ', '\n']) || text.ends_with([' ', '\n']);
        let plain = !special && !edge && !text.contains('\n') && !has_indicators(text);
        Self {
            plain,
            single: !special && !space_break && !text.contains("\n "),
            block: !special && !space_break && !text.ends_with(' '),
        }
    }
}

/// Whether something in the text means something to YAML.
fn has_indicators(text: &str) -> bool {
    let blank_after = |at: usize| text[at..].chars().nth(1).is_none_or(|next| matches!(next, ' ' | '\t'));
    text.starts_with("---")
        || text.starts_with("...")
        || text.starts_with(|first| "#,[]{}&*!|>'\"%@`".contains(first))
        || (text.starts_with(['?', ':', '-']) && blank_after(0))
        || text.match_indices(':').any(|(at, _)| blank_after(at))
        || text.contains(" #")
}

fn is_break(char: char) -> bool {
    matches!(char, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What upstream's library writes as it is: nothing beyond the basic plane.
fn is_printable(char: char) -> bool {
    matches!(char, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && char != '\u{feff}'
}

/// Go's `%g` with the fewest digits.
fn float(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What upstream's library writes for this tree.
    #[test]
    fn trees_are_written_as_upstream_writes_them() {
        let text = r##"{
            "a": "yes", "b": ["x", {"c": null, "d": []}], "e": {}, "f": "a: b", "g": "line\nmore\n", "h": "x\ny",
            "i": " lead", "j": "1", "k": 1.5, "l": 1e30, "m": "", "n": "2026-11-21T00:00:00Z", "p": [["a"], ["b", ["c"]]],
            "q": "#x", "r": "tab\there", "s": "it's", "t": "- x", "u": "é😀", "v": "trail ", "w": "\n\n",
            "x": "  a\nb\n\n", "y": true, "": 1, "a10": 1, "a2": 1, "aB": 2, "ab": 1, "1": 2, "z": "\"q\"",
            "key with\nnl": 1, "Z": {"x": [{"y": []}]}, "f1": 0.000001, "f2": 1234567.5, "pct": "%x", "q1": "?x",
            "q2": "? x", "c1": ":x", "c2": "x:", "c3": "x #y", "rr": "a\rb", "b6": "1:30", "mg": "<<", "dash": "---",
            "br": "[x", "comma": "a,b", "multi": ["a\nb\n", {"k": "c\nd"}],
            "long": "aaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb cccccccccccccccccccccc dddddddddddd eeee"
        }"##;
        let value: Value = serde_json::from_str(text).unwrap();
        let expected = r##""": 1
"1": 2
Z:
  x:
  - "y": []
a: "yes"
a2: 1
a10: 1
aB: 2
ab: 1
b:
- x
- c: null
  d: []
b6: "1:30"
br: '[x'
c1: :x
c2: 'x:'
c3: 'x #y'
comma: a,b
dash: '---'
e: {}
f: 'a: b'
f1: 1e-06
f2: 1.2345675e+06
g: |
  line
  more
h: |-
  x
  y
i: ' lead'
j: "1"
k: 1.5
? |-
  key with
  nl
: 1
l: 1e+30
long: aaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb cccccccccccccccccccccc
  dddddddddddd eeee
m: ""
mg: <<
multi:
- |
  a
  b
- k: |-
    c
    d
"n": "2026-11-21T00:00:00Z"
p:
- - a
- - b
  - - c
pct: '%x'
q: '#x'
q1: ?x
q2: '? x'
r: "tab\there"
rr: "a\rb"
s: it's
t: '- x'
u: "é\U0001F600"
v: 'trail '
w: |2+


x: |2+
    a
  b

"y": true
z: '"q"'
"##;
        assert_eq!(String::from_utf8(encode(&value)).unwrap(), expected);
    }

    #[test]
    fn scalars_and_empty_trees_stand_alone() {
        for (value, expected) in
            [(json!([]), "[]\n"), (json!({}), "{}\n"), (json!("x"), "x\n"), (json!(null), "null\n")]
        {
            assert_eq!(encode(&value), expected.as_bytes());
        }
    }
}
