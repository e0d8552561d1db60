//! JSONPath as kubectl and CRD columns use it: fields, indices, slices, wildcards, filters,
//! unions and recursive descent.

mod parse;

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::tree::Value;

/// A parsed path: `.spec.items[?(@.name=="a")].value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Field(String),
    Wildcard,
    Recursive,
    Slice(Slice),
    Filter { left: Vec<Step>, comparison: Option<(Operator, Vec<Step>)> },
    Union(Vec<Vec<Step>>),
    Literal(Value),
}

/// `[start:end:step]`; a single index ends behind itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slice {
    start: i64,
    end: End,
    step: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    At(i64),
    /// Of a single index: `[-1]` ends at 0, which is the end of the list.
    Behind(i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What a path finds: places in the object, or literals of the path.
type Found<'a> = Cow<'a, Value>;

/// The path cannot be followed in this object: an index is out of bounds, or something is not
/// a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Mismatch;

impl Path {
    /// Everything that the path leads to; what is missing on the way is left out.
    ///
    /// # Errors
    /// If the path does not fit the object.
    pub fn find<'a>(&self, object: &'a Value) -> Result<Vec<Found<'a>>, Mismatch> {
        follow(&self.steps, vec![Cow::Borrowed(object)])
    }
}

fn follow<'a>(steps: &[Step], mut places: Vec<Found<'a>>) -> Result<Vec<Found<'a>>, Mismatch> {
    for step in steps {
        places = take(step, places)?;
    }
    Ok(places)
}

fn take<'a>(step: &Step, places: Vec<Found<'a>>) -> Result<Vec<Found<'a>>, Mismatch> {
    let mut found = Vec::new();
    match step {
        Step::Field(name) => {
            for place in places {
                found.extend(member(place, name));
            }
        }
        Step::Wildcard => {
            for place in places {
                found.extend(children(place));
            }
        }
        Step::Recursive => {
            for place in places {
                descend(place, &mut found);
            }
        }
        Step::Slice(slice) => {
            for place in places.into_iter().map(opened).filter(|place| !place.is_null()) {
                let Some(length) = place.as_array().map(Vec::len) else { return Err(Mismatch) };
                let range = slice.range(length)?;
                let items = children(place).into_iter().skip(range.start).take(range.len());
                found.extend(items.step_by(slice.step as usize));
            }
        }
        Step::Filter { left, comparison } => {
            for place in places.into_iter().map(opened) {
                if !place.is_array() {
                    return Err(Mismatch);
                }
                for item in children(place) {
                    if passes(&item, left, comparison.as_ref())? {
                        found.push(item);
                    }
                }
            }
        }
        Step::Union(parts) => {
            for part in parts {
                found.extend(follow(part, places.clone())?);
            }
        }
        Step::Literal(value) => found.extend(places.iter().map(|_| Cow::Owned(value.clone()))),
    }
    Ok(found)
}

/// What is kept as text is looked into like everything else.
fn opened(place: Found<'_>) -> Found<'_> {
    match &*place {
        Value::Raw(_) => Cow::Owned(place.opened().into_owned()),
        _ => place,
    }
}

fn member<'a>(place: Found<'a>, name: &str) -> Option<Found<'a>> {
    match opened(place) {
        Cow::Borrowed(value) => value.as_object()?.get(name).map(Cow::Borrowed),
        Cow::Owned(value) => value.as_object()?.get(name).cloned().map(Cow::Owned),
    }
}

fn children(place: Found<'_>) -> Vec<Found<'_>> {
    match opened(place) {
        Cow::Borrowed(Value::Array(items)) => items.iter().map(Cow::Borrowed).collect(),
        Cow::Borrowed(Value::Object(map)) => map.values().map(Cow::Borrowed).collect(),
        Cow::Owned(Value::Array(items)) => items.into_iter().map(Cow::Owned).collect(),
        Cow::Owned(Value::Object(map)) => map.into_iter().map(|(_, value)| Cow::Owned(value)).collect(),
        _ => Vec::new(),
    }
}

/// The place and everything below it that is not empty and has something below itself.
fn descend<'a>(place: Found<'a>, found: &mut Vec<Found<'a>>) {
    let below = children(place.clone());
    if below.is_empty() {
        return;
    }
    found.push(place);
    for child in below {
        descend(child, found);
    }
}

fn passes(item: &Found<'_>, left: &[Step], comparison: Option<&(Operator, Vec<Step>)>) -> Result<bool, Mismatch> {
    let lefts = follow(left, vec![item.clone()]);
    let Some((operator, right)) = comparison else { return Ok(lefts.is_ok_and(|lefts| !lefts.is_empty())) };
    let (lefts, rights) = (lefts?, follow(right, vec![item.clone()])?);
    match (lefts.as_slice(), rights.as_slice()) {
        ([], _) | (_, []) => Ok(false),
        ([left], [right]) => operator.holds(&left.opened(), &right.opened()),
        _ => Err(Mismatch),
    }
}

impl Slice {
    fn range(self, length: usize) -> Result<std::ops::Range<usize>, Mismatch> {
        let length = length as i64;
        let from_end = |at: i64| if at < 0 { at + length } else { at };
        let start = from_end(self.start);
        let end = match self.end {
            End::Open => length,
            End::At(at) => from_end(at),
            End::Behind(0) => length,
            End::Behind(at) => from_end(at),
        };
        if start == end {
            return Ok(0..0);
        }
        if start < 0 || start >= length || end < 0 || end > length || start > end || self.step <= 0 {
            return Err(Mismatch);
        }
        Ok(start as usize..end as usize)
    }
}

impl Operator {
    fn holds(self, left: &Value, right: &Value) -> Result<bool, Mismatch> {
        let order = match (left, right) {
            (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()).ok_or(Mismatch)?,
            (Value::String(a), Value::String(b)) => a.cmp(b),
            // Booleans have no order.
            (Value::Bool(a), Value::Bool(b)) if matches!(self, Self::Equal | Self::NotEqual) => a.cmp(b),
            _ => return Err(Mismatch),
        };
        Ok(match self {
            Self::Equal => order == Ordering::Equal,
            Self::NotEqual => order != Ordering::Equal,
            Self::Less => order == Ordering::Less,
            Self::LessOrEqual => order != Ordering::Greater,
            Self::Greater => order == Ordering::Greater,
            Self::GreaterOrEqual => order != Ordering::Less,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json;

    fn find(path: &str) -> Result<Value, Mismatch> {
        let object = json!({
            "spec": {"replicas": 2, "a.b": "dotted", "empty": null,
                     "items": [{"name": "a", "n": 1}, {"name": "b", "n": 2}, {"name": "c", "n": 3, "last": true}]},
            "metadata": {"name": "x"},
        });
        let path = Path::parse(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        Ok(path.find(&object)?.into_iter().map(Cow::into_owned).collect())
    }

    #[test]
    fn paths_lead_to_values() {
        for (path, expected) in [
            (".metadata.name", json!(["x"])),
            ("$.metadata.name", json!(["x"])),
            (".metadata['name']", json!(["x"])),
            (r".spec.a\.b", json!(["dotted"])),
            (".spec['a\\.b']", json!(["dotted"])),
            (".spec.none.deeper", json!([])),
            (".spec.empty", json!([null])),
            (".spec.empty[0]", json!([])),
            (".spec.items[0].name", json!(["a"])),
            (".spec.items[-1].name", json!(["c"])),
            (".spec.items[*].name", json!(["a", "b", "c"])),
            (".spec.items[1:].name", json!(["b", "c"])),
            (".spec.items[:2].name", json!(["a", "b"])),
            (".spec.items[::2].name", json!(["a", "c"])),
            (".spec.items[0,2].name", json!(["a", "c"])),
            (".spec.items[1:1].name", json!([])),
            (".spec.items[?(@.name==\"b\")].n", json!([2])),
            (".spec.items[?(@.name!='b')].n", json!([1, 3])),
            (".spec.items[?(@.n>=2)].n", json!([2, 3])),
            (".spec.items[?(@.last)].n", json!([3])),
            (".spec.items[?(@.last==true)].n", json!([3])),
            (".metadata.*", json!(["x"])),
            ("..name", json!(["a", "b", "c", "x"])),
        ] {
            assert_eq!(find(path), Ok(expected), "{path}");
        }
    }

    #[test]
    fn paths_lead_into_what_is_kept_as_text() {
        let object = json!({"data": Value::raw(r#"{"l":[{"n":1},{"n":2}]}"#), "list": Value::raw(r#"[{"n":1},{"n":2}]"#),
                            "objects": [{"n": Value::raw("1")}, {"n": Value::raw("2")}]});
        for path in [".data.l[1].n", ".list[1].n", ".list[1:].n", ".list[?(@.n==2)].n", ".objects[?(@.n>1)].n"] {
            let path = Path::parse(path).expect(path);
            assert_eq!(
                path.find(&object).map(|found| found.iter().map(|value| value.to_string()).collect()),
                Ok(vec!["2".to_string()])
            );
        }
    }

    #[test]
    fn paths_that_do_not_fit() {
        for path in [
            ".spec.items[3].name",
            ".spec.items[-4]",
            ".spec.replicas[0]",
            ".spec.items[2:1]",
            ".spec[?(@.x)]",
            ".spec.items[?(@.name==1)]",
            ".spec.items[?(@.last<true)]",
        ] {
            assert_eq!(find(path), Err(Mismatch), "{path}");
        }
    }

    #[test]
    fn what_is_no_path() {
        for (path, why) in [
            (".a[", "unterminated array"),
            (".a[x]", "invalid array index x"),
            (".a[?(@.b", "unterminated filter"),
            (".a[?(@.b==1)", "unclosed array expect ]"),
            (".a }", "unclosed action"),
            ("....a", "invalid multiple recursive descent"),
            (".a['b", "unterminated array"),
            ("spec.a", "unrecognized identifier spec"),
            (".a;b#", ""),
            ("#", "unrecognized character in action: U+0023 '#'"),
            (".a[?(@.b>>1)]", "unrecognized filter operator >>"),
        ] {
            match Path::parse(path) {
                Ok(_) => assert_eq!(why, "", "{path}"),
                Err(error) => assert_eq!(error, why, "{path}"),
            }
        }
    }
}
