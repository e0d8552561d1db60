//! What functions compute. Types were checked before; what is `dyn` turns out here.

use std::cmp::Ordering;
use std::rc::Rc;

use super::eval::{Failure, Outcome};
use super::value::{Val, duration, show_double, show_duration, show_timestamp, timestamp};
use super::{kubernetes, strings, times};

/// What a call costs beside its arguments: strings are read at ten characters a step.
pub(super) fn cost(name: &str, args: &[Val<'_>]) -> u64 {
    let length = |at: usize| args.get(at).and_then(Val::size).unwrap_or(1) as u64;
    match name {
        "matches" | "find" | "findAll" => (1 + length(0) / 10).saturating_mul(1 + length(1) / 4),
        "contains" => (1 + length(0) / 10).saturating_mul(1 + length(1) / 10),
        "@in" => length(1),
        "_+_" | "_==_" | "_!=_" => 1 + length(0).min(length(1)) / 10,
        "isSorted" | "sum" | "min" | "max" | "indexOf" | "lastIndexOf" | "distinct" | "sort" => length(0),
        _ => 1 + length(0) / 10,
    }
}

pub(super) fn call<'a>(name: &str, member: bool, args: Vec<Val<'a>>) -> Outcome<'a> {
    if let Some(outcome) = operator(name, &args) {
        return outcome;
    }
    let found = conversion(name, &args)
        .or_else(|| optional(name, &args))
        .or_else(|| strings::call(name, &args))
        .or_else(|| maps(name, &args))
        .or_else(|| lists(name, &args))
        .or_else(|| times::call(name, &args))
        .or_else(|| kubernetes::call(name, member, &args));
    found.unwrap_or_else(|| Err(Failure::no_overload()))
}

fn operator<'a>(name: &str, args: &[Val<'a>]) -> Option<Outcome<'a>> {
    let truth = |value: bool| Some(Ok(Val::Bool(value)));
    let ordered = |accept: fn(Ordering) -> bool| {
        Some(match (args.first()?.compare(args.get(1)?), is_number(&args[0]) || is_number(&args[1])) {
            (Some(order), _) => Ok(Val::Bool(accept(order))),
            (None, true) if is_number(&args[0]) && is_number(&args[1]) => Ok(Val::Bool(false)),
            _ => Err(Failure::no_overload()),
        })
    };
    match (name, args) {
        ("_==_", [a, b]) => truth(a.equals(b)),
        ("_!=_", [a, b]) => truth(!a.equals(b)),
        ("_<_", [_, _]) => ordered(Ordering::is_lt),
        ("_<=_", [_, _]) => ordered(Ordering::is_le),
        ("_>_", [_, _]) => ordered(Ordering::is_gt),
        ("_>=_", [_, _]) => ordered(Ordering::is_ge),
        ("!_", [Val::Bool(value)]) => truth(!value),
        ("-_", [Val::Int(number)]) => Some(number.checked_neg().map(Val::Int).ok_or_else(overflow)),
        ("-_", [Val::Double(number)]) => Some(Ok(Val::Double(-number))),
        ("_+_", [a, b]) if a.is_list() && b.is_list() => {
            let mut items = a.items().unwrap_or_default();
            items.extend(b.items().unwrap_or_default());
            Some(Ok(Val::list(items)))
        }
        ("_+_", [Val::Text(a), Val::Text(b)]) => Some(Ok(Val::text(format!("{a}{b}")))),
        ("_+_", [Val::Bytes(a), Val::Bytes(b)]) => Some(Ok(Val::Bytes(Rc::from([a.as_ref(), b.as_ref()].concat())))),
        ("_+_" | "_-_" | "_*_" | "_/_" | "_%_", [a, b]) => Some(arithmetic(name, a, b)),
        ("@in", [item, list]) => match list.items() {
            Some(items) => truth(items.iter().any(|one| one.equals(item))),
            None => Some(match list.entries() {
                Some(entries) => Ok(Val::Bool(entries.iter().any(|(key, _)| key.equals(item)))),
                None => Err(Failure::no_overload()),
            }),
        },
        ("_[_]", [of, at]) => Some(index(of, at)),
        ("_[?_]", [of, at]) => Some(Ok(optional_index(of, at))),
        ("_?._", [of, Val::Text(name)]) => {
            let of = if let Val::Optional(of) = of { of.as_deref() } else { Some(of) };
            Some(Ok(of.and_then(|of| of.member(name)).map_or(Val::Optional(None), Val::some)))
        }
        _ => None,
    }
}

fn is_number(value: &Val<'_>) -> bool {
    matches!(value, Val::Int(_) | Val::Uint(_) | Val::Double(_))
}

fn overflow() -> Failure {
    Failure::new("integer overflow")
}

fn arithmetic<'a>(name: &str, a: &Val<'a>, b: &Val<'a>) -> Outcome<'a> {
    let zero = || Failure::new(if name == "_%_" { "modulus by zero" } else { "division by zero" });
    match (a, b) {
        (Val::Int(a), Val::Int(b)) => {
            if matches!(name, "_/_" | "_%_") && *b == 0 {
                return Err(zero());
            }
            let result = match name {
                "_+_" => a.checked_add(*b),
                "_-_" => a.checked_sub(*b),
                "_*_" => a.checked_mul(*b),
                "_/_" => a.checked_div(*b),
                _ => a.checked_rem(*b),
            };
            result.map(Val::Int).ok_or_else(overflow)
        }
        (Val::Uint(a), Val::Uint(b)) => {
            if matches!(name, "_/_" | "_%_") && *b == 0 {
                return Err(zero());
            }
            let result = match name {
                "_+_" => a.checked_add(*b),
                "_-_" => a.checked_sub(*b),
                "_*_" => a.checked_mul(*b),
                "_/_" => a.checked_div(*b),
                _ => a.checked_rem(*b),
            };
            result.map(Val::Uint).ok_or_else(|| Failure::new("unsigned integer overflow"))
        }
        (Val::Double(a), Val::Double(b)) => Ok(Val::Double(match name {
            "_+_" => a + b,
            "_-_" => a - b,
            "_*_" => a * b,
            "_/_" => a / b,
            _ => return Err(Failure::no_overload()),
        })),
        (Val::Duration(a), Val::Duration(b)) if name == "_+_" => Ok(Val::Duration(a + b)),
        (Val::Duration(a), Val::Duration(b)) if name == "_-_" => Ok(Val::Duration(a - b)),
        (Val::Timestamp(a), Val::Duration(b)) | (Val::Duration(b), Val::Timestamp(a)) if name == "_+_" => {
            Ok(Val::Timestamp(a + b))
        }
        (Val::Timestamp(a), Val::Duration(b)) if name == "_-_" => Ok(Val::Timestamp(a - b)),
        (Val::Timestamp(a), Val::Timestamp(b)) if name == "_-_" => Ok(Val::Duration(a - b)),
        _ => Err(Failure::no_overload()),
    }
}

fn index<'a>(of: &Val<'a>, at: &Val<'a>) -> Outcome<'a> {
    if let Val::Optional(inner) = of {
        return Ok(match inner {
            Some(inner) => optional_index(inner, at),
            None => Val::Optional(None),
        });
    }
    match find(of, at) {
        Some(value) => Ok(value),
        None if of.is_list() => match at {
            Val::Int(number) => Err(Failure::new(format!("index out of bounds: {number}"))),
            _ => Err(Failure::no_overload()),
        },
        None if of.is_map() => Err(Failure::new(format!("no such key: {}", shown(at)))),
        None => Err(Failure::no_overload()),
    }
}

fn optional_index<'a>(of: &Val<'a>, at: &Val<'a>) -> Val<'a> {
    let of = if let Val::Optional(of) = of { of.as_deref() } else { Some(of) };
    of.and_then(|of| find(of, at)).map_or(Val::Optional(None), Val::some)
}

fn find<'a>(of: &Val<'a>, at: &Val<'a>) -> Option<Val<'a>> {
    match at {
        Val::Text(key) if of.is_map() => of.member(key),
        _ if of.is_map() => of.entries()?.into_iter().find(|(key, _)| key.equals(at)).map(|(_, value)| value),
        Val::Int(number) => of.items()?.into_iter().nth(usize::try_from(*number).ok()?),
        _ => None,
    }
}

/// As `string()` shows it, where it shows it.
pub(super) fn shown(value: &Val<'_>) -> String {
    match value {
        Val::Null => "null".to_string(),
        Val::Bool(value) => value.to_string(),
        Val::Int(number) => number.to_string(),
        Val::Uint(number) => number.to_string(),
        Val::Double(number) => show_double(*number),
        Val::Text(text) => text.to_string(),
        Val::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Val::Duration(nanos) => show_duration(*nanos),
        Val::Timestamp(nanos) => show_timestamp(*nanos),
        Val::Ip(ip) => ip.to_string(),
        Val::Cidr(ip, bits) => format!("{ip}/{bits}"),
        Val::Type(name) => name.clone(),
        other => other.type_name().to_string(),
    }
}

fn conversion<'a>(name: &str, args: &[Val<'a>]) -> Option<Outcome<'a>> {
    const SECOND: i128 = 1_000_000_000;
    let [arg] = args else { return None };
    let range = || Failure::new("range error converting");
    Some(match (name, arg) {
        ("dyn", value) => Ok(value.clone()),
        ("type", value) => Ok(Val::Type(value.type_name().to_string())),
        ("string", Val::Bytes(bytes)) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Val::text(text.to_string())),
            Err(_) => Err(Failure::new("invalid UTF-8 in bytes, cannot convert to string")),
        },
        ("string", value) => Ok(Val::text(shown(value))),
        ("bytes", Val::Text(text)) => Ok(Val::Bytes(Rc::from(text.as_bytes()))),
        ("bool", Val::Text(text)) => match text.as_ref() {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(Val::Bool(true)),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(Val::Bool(false)),
            _ => Err(Failure::new("type conversion error from 'string' to 'bool'")),
        },
        ("int", Val::Uint(number)) => i64::try_from(*number).map(Val::Int).map_err(|_| overflow()),
        ("int", Val::Double(number)) if number.abs() < 9.2e18 => Ok(Val::Int(number.trunc() as i64)),
        ("int", Val::Double(_)) => Err(overflow()),
        ("int", Val::Text(text)) => text.parse().map(Val::Int).map_err(|_| {
            Failure::new(format!("strconv.ParseInt: parsing {}: invalid syntax", crate::validation::quoted(text)))
        }),
        ("int", Val::Timestamp(nanos)) => i64::try_from(nanos.div_euclid(SECOND)).map(Val::Int).map_err(|_| range()),
        ("int", Val::Duration(nanos)) => i64::try_from(*nanos).map(Val::Int).map_err(|_| range()),
        ("uint", Val::Int(number)) => {
            u64::try_from(*number).map(Val::Uint).map_err(|_| Failure::new("unsigned integer overflow"))
        }
        ("uint", Val::Double(number)) if (0.0..1.8e19).contains(number) => Ok(Val::Uint(number.trunc() as u64)),
        ("uint", Val::Text(text)) => text.parse().map(Val::Uint).map_err(|_| {
            Failure::new(format!("strconv.ParseUint: parsing {}: invalid syntax", crate::validation::quoted(text)))
        }),
        ("double", Val::Int(number)) => Ok(Val::Double(*number as f64)),
        ("double", Val::Uint(number)) => Ok(Val::Double(*number as f64)),
        ("double", Val::Text(text)) => text.parse().map(Val::Double).map_err(|_| {
            Failure::new(format!("strconv.ParseFloat: parsing {}: invalid syntax", crate::validation::quoted(text)))
        }),
        ("duration", Val::Text(text)) => duration(text)
            .map(Val::Duration)
            .ok_or_else(|| Failure::new("type conversion error from 'string' to 'google.protobuf.Duration'")),
        ("duration", Val::Int(nanos)) => Ok(Val::Duration((*nanos).into())),
        ("timestamp", Val::Text(text)) => timestamp(text)
            .map(Val::Timestamp)
            .ok_or_else(|| Failure::new("type conversion error from 'string' to 'google.protobuf.Timestamp'")),
        ("timestamp", Val::Int(seconds)) => Ok(Val::Timestamp(i128::from(*seconds) * SECOND)),
        ("bool", Val::Bool(_))
        | ("int", Val::Int(_))
        | ("uint", Val::Uint(_))
        | ("double", Val::Double(_))
        | ("bytes", Val::Bytes(_))
        | ("duration", Val::Duration(_))
        | ("timestamp", Val::Timestamp(_)) => Ok(arg.clone()),
        ("size", value) => match value.size() {
            Some(size) => Ok(Val::Int(size as i64)),
            None => Err(Failure::no_overload()),
        },
        _ => return None,
    })
}

fn optional<'a>(name: &str, args: &[Val<'a>]) -> Option<Outcome<'a>> {
    Some(Ok(match (name, args) {
        ("optional.none", []) => Val::Optional(None),
        ("optional.of", [value]) => Val::some(value.clone()),
        ("optional.ofNonZeroValue", [value]) if value.is_zero() => Val::Optional(None),
        ("optional.ofNonZeroValue", [value]) => Val::some(value.clone()),
        ("hasValue", [Val::Optional(value)]) => Val::Bool(value.is_some()),
        ("value", [Val::Optional(Some(value))]) | ("orValue", [Val::Optional(Some(value)), _]) => {
            value.as_ref().clone()
        }
        ("value", [Val::Optional(None)]) => return Some(Err(Failure::new("optional.none() dereference"))),
        ("orValue", [Val::Optional(None), other]) => other.clone(),
        ("or", [Val::Optional(None), other]) => other.clone(),
        ("or", [some, _]) => some.clone(),
        _ => return None,
    }))
}

/// What makes maps of maps: entries that are there already are not made again.
fn maps<'a>(name: &str, args: &[Val<'a>]) -> Option<Outcome<'a>> {
    if name != "cel.@mapInsert" {
        return None;
    }
    let mut entries = args.first()?.entries()?;
    let new = match &args[1..] {
        [key, value] => vec![(key.clone(), value.clone())],
        [more] => more.entries()?,
        _ => return None,
    };
    for (key, value) in new {
        if entries.iter().any(|(known, _)| known.equals(&key)) {
            return Some(Err(Failure::new("insert failed: key already exists")));
        }
        entries.push((key, value));
    }
    Some(Ok(Val::Map(Rc::new(entries))))
}

fn lists<'a>(name: &str, args: &[Val<'a>]) -> Option<Outcome<'a>> {
    if let ("lists.range", [Val::Int(count)]) = (name, args) {
        return Some(Ok(Val::list((0..*count).map(Val::Int).collect())));
    }
    if matches!(name, "sets.contains" | "sets.equivalent" | "sets.intersects") {
        let (a, b) = (args.first()?.items()?, args.get(1)?.items()?);
        let has = |list: &[Val<'a>], item: &Val<'a>| list.iter().any(|one| one.equals(item));
        return Some(Ok(Val::Bool(match name {
            "sets.contains" => b.iter().all(|item| has(&a, item)),
            "sets.equivalent" => b.iter().all(|item| has(&a, item)) && a.iter().all(|item| has(&b, item)),
            _ => b.iter().any(|item| has(&a, item)),
        })));
    }
    let mut items = args.first()?.items()?;
    let order = |a: &Val<'a>, b: &Val<'a>| a.compare(b).unwrap_or(Ordering::Equal);
    Some(match (name, &args[1..]) {
        ("isSorted", []) => Ok(Val::Bool(items.windows(2).all(|pair| order(&pair[0], &pair[1]).is_le()))),
        ("sum", []) => items
            .into_iter()
            .try_fold(None, |sum, item| match sum {
                None => Ok(Some(item)),
                Some(sum) => arithmetic("_+_", &sum, &item).map(Some),
            })
            .map(|sum| sum.unwrap_or(Val::Int(0))),
        ("min" | "max", []) => {
            let best = items.into_iter().reduce(|a, b| {
                let less = order(&b, &a).is_lt();
                if less == (name == "min") && order(&b, &a).is_ne() { b } else { a }
            });
            best.ok_or_else(|| Failure::new(format!("{name} called on empty list")))
        }
        ("indexOf", [item]) => Ok(position(items.iter().position(|one| one.equals(item)))),
        ("lastIndexOf", [item]) => Ok(position(items.iter().rposition(|one| one.equals(item)))),
        ("slice", [Val::Int(from), Val::Int(to)]) => {
            let range = usize::try_from(*from).ok().zip(usize::try_from(*to).ok());
            match range.and_then(|(from, to)| items.get(from..to)) {
                Some(part) => Ok(Val::list(part.to_vec())),
                None => Err(Failure::new(format!("cannot slice({from}, {to}), list is length {}", items.len()))),
            }
        }
        ("flatten", []) => Ok(Val::list(flat(items, 1))),
        ("flatten", [Val::Int(depth)]) => Ok(Val::list(flat(items, *depth))),
        ("reverse", []) => {
            items.reverse();
            Ok(Val::list(items))
        }
        ("distinct", []) => {
            let mut kept: Vec<Val<'a>> = Vec::new();
            for item in items {
                if !kept.iter().any(|one| one.equals(&item)) {
                    kept.push(item);
                }
            }
            Ok(Val::list(kept))
        }
        ("first", []) => Ok(Val::Optional(items.into_iter().next().map(Rc::new))),
        ("last", []) => Ok(Val::Optional(items.pop().map(Rc::new))),
        ("@sortByAssociatedKeys", [keys]) => {
            let mut pairs: Vec<_> = keys.items()?.into_iter().zip(items).collect();
            pairs.sort_by(|(a, _), (b, _)| order(a, b));
            Ok(Val::list(pairs.into_iter().map(|(_, item)| item).collect()))
        }
        ("sort", []) => {
            items.sort_by(order);
            Ok(Val::list(items))
        }
        _ => return None,
    })
}

pub(super) fn position<'a>(found: Option<usize>) -> Val<'a> {
    Val::Int(found.map_or(-1, |at| at as i64))
}

fn flat(items: Vec<Val<'_>>, depth: i64) -> Vec<Val<'_>> {
    let mut out = Vec::new();
    for item in items {
        match item.items().filter(|_| depth > 0) {
            Some(inner) => out.extend(flat(inner, depth - 1)),
            None => out.push(item),
        }
    }
    out
}
