//! Functions of strings.

use super::eval::{Failure, Outcome};
use super::functions::{position, shown};
use super::value::Val;
use crate::schema::pattern::Pattern;
use crate::validation::quoted;

pub(super) fn call<'a>(name: &str, args: &[Val<'a>]) -> Option<Outcome<'a>> {
    if let ("join", Some(list)) = (name, args.first()?.items()) {
        let texts: Vec<String> = list.iter().map(shown).collect();
        let separator = args.get(1).map(shown).unwrap_or_default();
        return Some(Ok(Val::text(texts.join(&separator))));
    }
    let Val::Text(text) = args.first()? else { return None };
    let text = text.as_ref();
    let truth = |value: bool| Some(Ok(Val::Bool(value)));
    match (name, &args[1..]) {
        ("contains", [Val::Text(part)]) => truth(text.contains(part.as_ref())),
        ("startsWith", [Val::Text(part)]) => truth(text.starts_with(part.as_ref())),
        ("endsWith", [Val::Text(part)]) => truth(text.ends_with(part.as_ref())),
        ("matches", [Val::Text(pattern)]) => Some(with_pattern(pattern, |pattern| Val::Bool(pattern.matches(text)))),
        ("find", [Val::Text(pattern)]) => Some(with_pattern(pattern, |pattern| {
            Val::text(pattern.find_all(text, 1).first().copied().unwrap_or_default().to_string())
        })),
        ("findAll", [Val::Text(pattern), rest @ ..]) => {
            let limit = match rest {
                [Val::Int(limit)] => usize::try_from(*limit).unwrap_or(usize::MAX),
                _ => usize::MAX,
            };
            Some(with_pattern(pattern, |pattern| {
                let found = pattern.find_all(text, limit);
                Val::list(found.into_iter().map(|part| Val::text(part.to_string())).collect())
            }))
        }
        ("lowerAscii", []) => Some(Ok(Val::text(text.to_ascii_lowercase()))),
        ("upperAscii", []) => Some(Ok(Val::text(text.to_ascii_uppercase()))),
        ("trim", []) => Some(Ok(Val::text(text.trim().to_string()))),
        ("strings.quote", []) => Some(Ok(Val::text(quoted(text)))),
        ("charAt", [Val::Int(at)]) => Some(char_at(text, *at)),
        ("substring", [Val::Int(from)]) => Some(substring(text, *from, None)),
        ("substring", [Val::Int(from), Val::Int(to)]) => Some(substring(text, *from, Some(*to))),
        ("indexOf", [Val::Text(part), rest @ ..]) => Some(index_of(text, part, rest, false)),
        ("lastIndexOf", [Val::Text(part), rest @ ..]) => Some(index_of(text, part, rest, true)),
        ("replace", [Val::Text(old), Val::Text(new)]) => Some(Ok(Val::text(text.replace(old.as_ref(), new)))),
        ("replace", [Val::Text(old), Val::Text(new), Val::Int(count)]) => Some(Ok(Val::text(match count {
            ..0 => text.replace(old.as_ref(), new),
            count => text.replacen(old.as_ref(), new, *count as usize),
        }))),
        ("split", [Val::Text(at), rest @ ..]) => Some(Ok(split(text, at, rest))),
        ("format", [list]) => Some(format(text, &list.items()?)),
        _ => None,
    }
}

fn with_pattern<'a>(text: &str, run: impl Fn(&Pattern) -> Val<'a>) -> Outcome<'a> {
    let pattern = Pattern::new(text);
    match pattern.error() {
        Some(why) => Err(Failure::new(why)),
        None => Ok(run(&pattern)),
    }
}

fn char_at<'a>(text: &str, at: i64) -> Outcome<'a> {
    let length = text.chars().count() as i64;
    if at < 0 || at > length {
        return Err(Failure::new(format!("index out of range: {at}")));
    }
    Ok(Val::text(text.chars().nth(at as usize).map(String::from).unwrap_or_default()))
}

fn substring<'a>(text: &str, from: i64, to: Option<i64>) -> Outcome<'a> {
    let chars: Vec<char> = text.chars().collect();
    let length = chars.len() as i64;
    let end = to.unwrap_or(length);
    for at in [from, end] {
        if at < 0 || at > length {
            return Err(Failure::new(format!("index out of range: {at}")));
        }
    }
    if from > end {
        return Err(Failure::new(format!("invalid substring range. start: {from}, end: {end}")));
    }
    Ok(Val::text(chars[from as usize..end as usize].iter().collect::<String>()))
}

fn index_of<'a>(text: &str, part: &str, rest: &[Val<'a>], last: bool) -> Outcome<'a> {
    let (text, part): (Vec<char>, Vec<char>) = (text.chars().collect(), part.chars().collect());
    let offset = match rest {
        [Val::Int(offset)] => match usize::try_from(*offset) {
            Ok(offset) if offset < text.len() || text.is_empty() || part.is_empty() => Some(offset),
            _ => return Err(Failure::new(format!("index out of range: {offset}"))),
        },
        _ => None,
    };
    if part.is_empty() {
        let end = if last { text.len() } else { 0 };
        return Ok(Val::Int(offset.unwrap_or(end) as i64));
    }
    let mut starts = (0..text.len().saturating_sub(part.len() - 1)).filter(|at| text[*at..].starts_with(&part));
    Ok(position(match (last, offset) {
        (false, offset) => starts.find(|at| *at >= offset.unwrap_or(0)),
        (true, offset) => starts.rfind(|at| offset.is_none_or(|offset| *at <= offset)),
    }))
}

fn split<'a>(text: &str, at: &str, rest: &[Val<'a>]) -> Val<'a> {
    let own = |part: &str| Val::text(part.to_string());
    let characters = || text.chars().map(|char| Val::text(char.to_string())).collect::<Vec<_>>();
    let parts = match rest {
        [Val::Int(0)] => Vec::new(),
        [Val::Int(count)] if *count > 0 => text.splitn(*count as usize, at).map(own).collect(),
        _ if at.is_empty() => characters(),
        _ => text.split(at).map(own).collect(),
    };
    Val::list(parts)
}

/// `%s`, `%d` and the other verbs of `format`.
fn format<'a>(text: &str, args: &[Val<'a>]) -> Outcome<'a> {
    let mut out = String::new();
    let mut next = 0;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char != '%' {
            out.push(char);
            continue;
        }
        if chars.peek() == Some(&'%') {
            chars.next();
            out.push('%');
            continue;
        }
        let mut precision = None;
        if chars.peek() == Some(&'.') {
            chars.next();
            let mut digits = String::new();
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            precision = digits.parse().ok();
        }
        let Some(verb) = chars.next() else {
            return Err(Failure::new("unexpected end of string"));
        };
        let Some(arg) = args.get(next) else {
            return Err(Failure::new(format!("index {next} out of range")));
        };
        next += 1;
        out.push_str(&verb_text(verb, precision, arg)?);
    }
    if next < args.len() {
        return Err(Failure::new("too many arguments supplied to string.format"));
    }
    Ok(Val::text(out))
}

fn verb_text(verb: char, precision: Option<usize>, arg: &Val<'_>) -> Result<String, Failure> {
    let wrong = |what: &str| Failure::new(format!("error during formatting: {what} was given {}", arg.type_name()));
    let number = || match arg {
        Val::Int(number) => Ok(i128::from(*number)),
        Val::Uint(number) => Ok(i128::from(*number)),
        _ => Err(wrong("integer clause")),
    };
    let signed = |shown: fn(u128) -> String| {
        number().map(|number| format!("{}{}", if number < 0 { "-" } else { "" }, shown(number.unsigned_abs())))
    };
    let double = || match arg {
        Val::Double(number) => Ok(*number),
        Val::Int(number) => Ok(*number as f64),
        Val::Uint(number) => Ok(*number as f64),
        _ => Err(wrong("fixed-point clause")),
    };
    Ok(match verb {
        's' => element(arg),
        'd' => signed(|number| number.to_string())?,
        'b' if matches!(arg, Val::Bool(_)) => if matches!(arg, Val::Bool(true)) { "1" } else { "0" }.to_string(),
        'b' => signed(|number| format!("{number:b}"))?,
        'o' => signed(|number| format!("{number:o}"))?,
        'x' | 'X' => {
            let text = match arg {
                Val::Text(text) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
                Val::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
                _ => signed(|number| format!("{number:x}"))?,
            };
            if verb == 'X' { text.to_uppercase() } else { text }
        }
        'f' => format!("{:.*}", precision.unwrap_or(6), double()?),
        'e' => {
            let text = format!("{:.*e}", precision.unwrap_or(6), double()?);
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let (sign, digits) = exponent.strip_prefix('-').map_or(("+", exponent), |digits| ("-", digits));
            format!("{mantissa}e{sign}{digits:0>2}")
        }
        other => {
            return Err(Failure::new(format!(
                "could not parse formatting clause: unrecognized formatting clause \"{other}\""
            )));
        }
    })
}

/// A value inside of a formatted text.
fn element(value: &Val<'_>) -> String {
    if let Some(items) = value.items() {
        return format!("[{}]", items.iter().map(element).collect::<Vec<_>>().join(", "));
    }
    if let Some(entries) = value.entries() {
        let mut texts: Vec<String> =
            entries.iter().map(|(key, value)| format!("{}: {}", element(key), element(value))).collect();
        texts.sort();
        return format!("{{{}}}", texts.join(", "));
    }
    shown(value)
}
