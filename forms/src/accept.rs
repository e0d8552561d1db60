//! The header `Accept`, as upstream's library reads it.

use std::str::Split;
use std::vec;

/// Upstream's order is not one (see [`Clause::comes_before`]), so for few clauses it is what its way of sorting
/// makes of it. For more of them that is another way, and nobody's business.
const FEW: usize = 12;

/// One alternative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clause<'a> {
    kind: &'a str,
    subtype: &'a str,
    parameters: &'a str,
    quality: f32,
}

/// The alternatives, what a client likes best first. What is no media type is left out.
pub fn clauses(accept: &str) -> Clauses<'_> {
    let in_order = written(accept).is_sorted_by(|one, next| !next.comes_before(one));
    // Nearly all write them so.
    if in_order {
        return Clauses(Order::AsWritten(accept.split(',')));
    }
    let mut clauses: Vec<Clause> = written(accept).collect();
    sort(&mut clauses);
    Clauses(Order::Sorted(clauses.into_iter()))
}

#[derive(Debug, Clone)]
pub struct Clauses<'a>(Order<'a>);

#[derive(Debug, Clone)]
enum Order<'a> {
    AsWritten(Split<'a, char>),
    Sorted(vec::IntoIter<Clause<'a>>),
}

impl<'a> Iterator for Clauses<'a> {
    type Item = Clause<'a>;

    fn next(&mut self) -> Option<Clause<'a>> {
        match &mut self.0 {
            Order::AsWritten(texts) => texts.find_map(Clause::read),
            Order::Sorted(clauses) => clauses.next(),
        }
    }
}

impl<'a> Clause<'a> {
    /// `application`, or `*`.
    pub fn kind(&self) -> &'a str {
        self.kind
    }

    /// `json`, or `*`.
    pub fn subtype(&self) -> &'a str {
        self.subtype
    }

    pub fn has_parameters(&self) -> bool {
        !self.parameters.is_empty()
    }

    /// The value of a parameter, the last one if there are several.
    pub fn parameter(&self, name: &str) -> Option<&'a str> {
        let own = parameters(self.parameters).filter(|(key, _)| *key == name);
        own.last().map(|(_, value)| trim(value))
    }

    /// The kind, group and version that the answer is to be made into, if any of them is named.
    pub fn target(&self) -> Option<[&'a str; 3]> {
        if self.parameters.is_empty() {
            return None;
        }
        let named = ["as", "g", "v"].map(|name| self.parameter(name));
        named.iter().any(Option::is_some).then(|| named.map(Option::unwrap_or_default))
    }

    fn read(text: &'a str) -> Option<Self> {
        let (range, parameters) = text.split_once(';').unwrap_or((text, ""));
        let (kind, rest) = range.split_once('/').unwrap_or((range, ""));
        let (subtype, more) = rest.split_once('/').unwrap_or((rest, ""));
        let (kind, subtype) = (trim(kind), trim(subtype));
        let subtype = match rest {
            "" if kind == "*" => "*",
            "" => return None,
            _ => subtype,
        };
        let clause = Self { kind, subtype, parameters, quality: quality(parameters) };
        more.is_empty().then_some(clause)
    }

    /// Upstream's library asks for three things one by one, so each of two may come before the other: one that is
    /// liked more, and one that is named more exactly.
    fn comes_before(&self, other: &Self) -> bool {
        self.quality > other.quality
            || (self.kind != "*" && other.kind == "*")
            || (self.subtype != "*" && other.subtype == "*")
    }
}

fn written(accept: &str) -> impl Iterator<Item = Clause<'_>> {
    accept.split(',').filter_map(Clause::read)
}

fn sort(clauses: &mut [Clause]) {
    if clauses.len() > FEW {
        let open = |clause: &Clause| [clause.kind, clause.subtype].iter().filter(|part| **part == "*").count();
        return clauses.sort_by(|a, b| b.quality.total_cmp(&a.quality).then_with(|| open(a).cmp(&open(b))));
    }
    for end in 1..clauses.len() {
        for at in (1..=end).rev() {
            if !clauses[at].comes_before(&clauses[at - 1]) {
                break;
            }
            clauses.swap(at, at - 1);
        }
    }
}

/// How much a client likes it. What is no number is none.
fn quality(text: &str) -> f32 {
    let said = parameters(text).filter(|(key, _)| *key == "q").last();
    said.map_or(1.0, |(_, value)| value.parse().unwrap_or_default())
}

fn parameters(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(';').filter_map(|parameter| {
        let (key, rest) = parameter.split_once('=')?;
        let (value, more) = rest.split_once('=').unwrap_or((rest, ""));
        (!rest.is_empty() && more.is_empty()).then(|| (trim(key), value))
    })
}

fn trim(text: &str) -> &str {
    text.trim_matches(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order is what upstream's library makes of each header.
    #[test]
    fn what_is_liked_best_comes_first() {
        for (accept, expected) in [
            ("", &[][..]),
            ("application/json", &["application/json"]),
            ("a/b, c/d", &["a/b", "c/d"]),
            ("a/b;q=0.5, c/d", &["c/d", "a/b"]),
            ("a/b;q=x, c/d;q=0.1", &["c/d", "a/b"]),
            ("a/b; q=0.2;q=0.9, c/d;q=0.5", &["a/b", "c/d"]),
            ("a/b;q= 1, c/d;q=0.5", &["c/d", "a/b"]),
            ("a/b;q=0.1, c/d;q=inf", &["c/d", "a/b"]),
            ("*/*, a/*, a/b", &["a/b", "a/*", "*/*"]),
            // What is named exactly passes what is liked more, if it is behind it.
            ("*/*, a/b;q=0.1", &["a/b", "*/*"]),
            ("a/b;q=0.1, */*", &["*/*", "a/b"]),
            ("a/*;q=0.9, */*, a/b;q=0.1, c/d;q=0.5", &["c/d", "a/b", "*/*", "a/*"]),
            ("*, a, a/, /b, a/b/, a/b/c,,", &["/b", "a/b", "*/*"]),
            ("A/B", &["A/B"]),
        ] {
            let order: Vec<String> =
                clauses(accept).map(|clause| format!("{}/{}", clause.kind(), clause.subtype())).collect();
            assert_eq!(order, expected, "{accept}");
        }
        let many = format!("*/*;q=0.1,{}z/z;q=0.5", "a/b,".repeat(FEW));
        let last: Vec<&str> = clauses(&many).skip(FEW).map(|clause| clause.kind()).collect();
        assert_eq!(last, ["z", "*"]);
    }

    /// That is, without a piece of memory.
    #[test]
    fn what_most_requests_say_is_read_as_it_stands() {
        for accept in [
            "",
            "*/*",
            "application/json",
            "application/json, */*",
            "application/vnd.kubernetes.protobuf,application/json",
            "application/vnd.kubernetes.protobuf, */*",
            "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        ] {
            assert!(matches!(clauses(accept).0, Order::AsWritten(_)), "{accept}");
        }
    }

    #[test]
    fn parameters_say_what_the_answer_is_made_into() {
        for (accept, target) in [
            ("a/b", None),
            ("a/b;q=0.5;charset=utf-8", None),
            ("a/b;as=", None),
            ("a/b;as=Table", Some(["Table", "", ""])),
            ("a/b; v = v1 ;g=x;as=Table;as=Other", Some(["Other", "x", "v1"])),
            ("a/b;as=a=b;v=v1=", Some(["", "", "v1"])),
        ] {
            assert_eq!(clauses(accept).next().and_then(|clause| clause.target()), target, "{accept}");
        }
    }
}
