//! Expected texts and costs are upstream's.

use super::ast::report;
use super::check::{Dialect, check};
use super::declared::Declared;
use super::eval::run;
use super::functions::shown;
use super::parser::parse;
use super::value::Val;
use super::*;
use crate::schema::structural::resource_from_openapi;
use crate::tree::{Value, json};

fn schema() -> Value {
    json!({"type": "object", "properties": {
        "n": {"type": "integer"}, "x": {"type": "number"}, "s": {"type": "string", "maxLength": 10}, "b": {"type": "boolean"},
        "free": {"type": "string"}, "either": {"x-kubernetes-int-or-string": true},
        "list": {"type": "array", "maxItems": 5, "items": {"type": "string", "maxLength": 5}},
        "map": {"type": "object", "additionalProperties": {"type": "integer"}},
        "when": {"type": "string", "format": "date-time"}, "a-b": {"type": "integer"}}})
}

fn value_of(source: &str, object: &Value) -> Result<String, String> {
    let declared = Declared::of(&schema(), false).ok_or("no type")?;
    let ast = parse(source, true).map_err(|issues| report(source, &issues))?;
    let variables = [("self", declared.as_type())];
    let checked = check(ast, &variables, Dialect::default()).map_err(|issues| report(source, &issues))?;
    let outcome = run(&checked, vec![("self", Val::of(object, &declared))], 1_000_000, &mut 0);
    outcome.map(|value| show(&value)).map_err(|failure| format!("{failure:?}"))
}

fn show(value: &Val<'_>) -> String {
    match value.items() {
        Some(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(" ")),
        None => match value {
            Val::Optional(Some(inner)) => format!("some {}", show(inner)),
            Val::Optional(None) => "none".to_string(),
            other => shown(other),
        },
    }
}

#[test]
fn expressions_have_values() {
    let object = json!({"n": 3, "x": 1.5, "s": "hello", "b": true, "list": ["b", "a"], "map": {"k": 1, "l": 2}, "either": "50%",
        "when": "2026-01-31T12:30:00Z", "a-b": 7});
    for (source, expected) in [
        ("1 + 2 * 3 - 4 / 2", "5"),
        ("-self.n", "-3"),
        ("7 % 3 == 1 && !false", "true"),
        ("self.x > 1 && self.x < 2", "true"),
        ("self.s.size() + size(self.list) + size(self.map)", "9"),
        ("self.n == 4 ? 'yes' : 'no'", "no"),
        ("'a' in self.list", "true"),
        ("'k' in self.map && self.map['k'] == 1 && self.map.l == 2", "true"),
        ("has(self.free) || has(self.map.k)", "true"),
        ("self.list.all(e, e < 'c') && self.list.exists(e, e == 'b') && self.list.exists_one(e, e == 'a')", "true"),
        ("self.list.map(e, e + '!')", "[b! a!]"),
        ("self.list.filter(e, e != 'b')", "[a]"),
        ("self.map.map(k, self.map[k] > 1, k)", "[l]"),
        ("self.list.all(i, e, i < 2 && e != '')", "true"),
        ("self.list.transformList(i, e, string(i) + e)", "[0b 1a]"),
        ("self.list.sort()", "[a b]"),
        ("self.list.isSorted()", "false"),
        ("[3, 1, 2].min() + [3, 1, 2].max() + [1, 2].sum()", "7"),
        ("self.list.indexOf('a')", "1"),
        ("[1, 2, 2].distinct()", "[1 2]"),
        ("sets.contains(self.list, ['a']) && sets.equivalent([1, 1], [1])", "true"),
        (
            "self.s.startsWith('he') && self.s.endsWith('lo') && self.s.contains('ell') && self.s.matches('^h.*o$')",
            "true",
        ),
        ("self.s.upperAscii() + self.s.substring(1, 3) + self.s.charAt(0)", "HELLOelh"),
        ("'a,b,c'.split(',')", "[a b c]"),
        ("self.list.join('-')", "b-a"),
        ("'abcabc'.replace('b', 'x') + ' trim '.trim()", "axcaxctrim"),
        ("'a1b22'.findAll('[0-9]+')", "[1 22]"),
        ("'%s is %d'.format([dyn('x'), dyn(3)]) + '%.2f|%x'.format([dyn(1.5), dyn(255)])", "x is 31.50|ff"),
        ("type(self.either) == string && self.either.endsWith('%')", "true"),
        ("self.when.getFullYear() == 2026 && self.when.getMonth() == 0 && self.when.getHours() == 12", "true"),
        ("self.when < timestamp('2026-02-01T00:00:00Z') && duration('1h') == duration('60m')", "true"),
        ("string(duration('90s')) + string(1.0) + string(self.when)", "90s12026-01-31T12:30:00Z"),
        ("self.a__dash__b", "7"),
        ("quantity('1.5Gi').isGreaterThan(quantity('1Gi')) && isQuantity('10m') && !isQuantity('x')", "true"),
        ("quantity('2').add(3).asInteger()", "5"),
        ("url('https://a.example:8080/p?q=1').getPort() + url('https://a/b').getHost()", "8080a"),
        ("ip('10.0.0.1').family() == 4 && cidr('10.0.0.0/8').containsIP('10.1.2.3') && isIP('::1')", "true"),
        ("format.dns1123Label().validate('Bad').hasValue()", "true"),
        ("semver('1.2.3').isLessThan(semver('1.10.0'))", "true"),
        ("self.?free", "none"),
        ("self.?free.orValue('none')", "none"),
        ("self.?n.optMap(n, n + 1)", "some 4"),
        ("self.list[?5].hasValue()", "false"),
        ("b'ab' == bytes('ab') && 0x10 == 16 && 1u + 2u == 3u && '\\u0041' == 'A' && r'\\d' == '\\\\d'", "true"),
        ("1 < 1.5 && 2u > 1", "true"),
        ("[1, 2][5] == 1 || true", "true"),
        ("int('12') + int(3.7)", "15"),
    ] {
        assert_eq!(value_of(source, &object), Ok(expected.to_string()), "{source}");
    }
}

#[test]
fn what_is_kept_as_text_has_the_value_that_it_says() {
    let object = json!({"n": Value::raw("3"), "s": Value::raw("\"hello\""), "list": Value::raw(r#"["b","a"]"#),
                        "map": Value::raw(r#"{"k":1}"#), "when": Value::raw("\"2026-01-01T00:00:00Z\"")});
    for (source, expected) in [
        ("self.n + 1", "4"),
        ("self.s + '!'", "hello!"),
        ("self.list[1]", "a"),
        ("self.map.k", "1"),
        ("self.map == {'k': 1}", "true"),
        ("self.when.getFullYear()", "2026"),
    ] {
        assert_eq!(value_of(source, &object).as_deref(), Ok(expected), "{source}");
    }
    let whole = Value::raw(r#"{"n":3,"a-b":1}"#);
    assert_eq!(value_of("self.n == 3 && self.a__dash__b == 1 && !has(self.s)", &whole).as_deref(), Ok("true"));
}

#[test]
fn failures_have_reasons() {
    let object = json!({"n": 0, "list": ["a"]});
    for (source, expected) in [
        ("1 / self.n == 1", "Error(\"division by zero\")"),
        ("self.list[3] == 'a'", "Error(\"index out of bounds: 3\")"),
        ("self.s == 'a'", "Error(\"no such key: s\")"),
        ("9223372036854775807 + 1 == 0", "Error(\"integer overflow\")"),
        ("self.list.all(e, self.s == e)", "Error(\"no such key: s\")"),
        ("self.nope == 1", "ERROR: <input>:1:5: undefined field 'nope'\n | self.nope == 1\n | ....^"),
        ("nope", "ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope\n | ^"),
        (
            "self.n == 'a'",
            "ERROR: <input>:1:8: found no matching overload for '_==_' applied to '(int, string)'\n | self.n == 'a'\n | .......^",
        ),
        (
            "self.s.matches(1)",
            "ERROR: <input>:1:15: found no matching overload for 'matches' applied to 'string.(int)'\n | self.s.matches(1)\n | ..............^",
        ),
        ("self.n.x", "ERROR: <input>:1:7: type 'int' does not support field selection\n | self.n.x\n | ......^"),
        (
            "self.n.all(x, x > 0)",
            "ERROR: <input>:1:5: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)\n | self.n.all(x, x > 0)\n | ....^",
        ),
        (
            "self.n >",
            "ERROR: <input>:1:9: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | self.n >\n | ........^",
        ),
    ] {
        assert_eq!(value_of(source, &object), Err(expected.to_string()), "{source}");
    }
}

/// What upstream says of these rules, recorded from it.
#[test]
fn costs_are_those_of_upstream() {
    let properties = json!({"free": {"type": "string"}, "s": {"type": "string", "maxLength": 10}, "n": {"type": "integer"},
        "list": {"type": "array", "maxItems": 5, "items": {"type": "string", "maxLength": 5}},
        "open": {"type": "array", "items": {"type": "string"}},
        "objs": {"type": "array", "items": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string"}, "v": {"type": "integer"}}}},
        "smap": {"type": "object", "additionalProperties": {"type": "string"}}});
    let hundreds = "factor of more than 100x";
    for (rule, factor) in [
        ("self.open.all(x, x == 'a')", ""),
        ("self.open.all(x, self.open.all(y, x == y))", hundreds),
        ("self.open.map(x, x + 'a').all(y, y != '')", hundreds),
        ("self.open.filter(x, x != 'a').size() == 1", "factor of 1.6x"),
        ("self.open.join(',') == ''", hundreds),
        ("self.free.split(',').all(x, x == 'a')", "factor of 1.321205x"),
        ("self.free.replace('a', 'bb').size() > 1", ""),
        ("self.free.matches('^[a-z]+$')", ""),
        ("self.free.contains(self.s)", ""),
        ("self.open.isSorted()", hundreds),
        ("self.open == self.open", ""),
        ("self.free in self.open", ""),
        ("(self.free + self.free + string(self.n)) == 'a'", hundreds),
        ("self.list.all(x, self.list.all(y, self.list.all(z, x == y)))", ""),
        ("self.objs.map(x, x.name).all(y, y.matches('a+'))", ""),
        ("self.objs.filter(x, x.v > 1).all(x, x.name.startsWith('a'))", ""),
        ("self.objs.exists(x, self.objs.exists(y, x.name == y.name && x.v > y.v))", hundreds),
        ("self.smap.all(k, self.smap[k] == k)", ""),
        ("self.open.all(x, ip(x).family() == 4)", hundreds),
        ("cidr(self.free).containsIP(self.free)", ""),
        ("format.dns1123Label().validate(self.free).hasValue()", "factor of 1.006634x"),
        ("self.open.transformList(i, x, x + 'a').size() > 1", hundreds),
        ("self.open[0] == 'a'", ""),
        ("self.open[0].matches(self.free)", hundreds),
        ("self.open.all(i, x, i > 1 && x == 'a')", ""),
    ] {
        let schema = json!({"type": "object", "properties": properties, "x-kubernetes-validations": [{"rule": rule}]});
        let findings = Total::default().check(&schema, false, &Context::ROOT, "S", |_| Value::Null);
        let texts: Vec<String> = findings.iter().map(ToString::to_string).collect();
        match factor {
            "" => assert_eq!(texts, Vec::<String>::new(), "{rule}"),
            _ => assert!(texts.len() == 1 && texts[0].contains(factor), "{rule}: {texts:?}"),
        }
    }
}

fn refusals(schema: &Value, object: &Value, old: Option<&Value>) -> Vec<String> {
    let mut findings = Vec::new();
    validate(&resource_from_openapi(schema), object, old, &mut findings);
    findings.retain(|finding| !finding.tolerated);
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn rules_refuse_with_their_messages() {
    let schema = json!({"type": "object", "x-kubernetes-validations": [{"rule": "self.metadata.name != 'x'"}], "properties": {"spec": {
        "type": "object", "properties": {"min": {"type": "integer"}, "max": {"type": "integer"}, "size": {"type": "integer",
            "x-kubernetes-validations": [{"rule": "self >= oldSelf", "message": "cannot shrink"}]}},
        "x-kubernetes-validations": [
            {"rule": "self.min <= self.max", "messageExpression": "'min ' + string(self.min) + ' is above'", "fieldPath": ".min"},
            {"rule": "!has(self.size) || self.size != 9", "message": "not nine", "reason": "FieldValueForbidden"}]}}});
    let of = |spec: Value| json!({"metadata": {"name": "a"}, "spec": spec});
    assert_eq!(refusals(&schema, &of(json!({"min": 1, "max": 2})), None), Vec::<String>::new());
    assert_eq!(
        refusals(&schema, &of(json!({"min": 3, "max": 2, "size": 9})), None),
        ["spec.min: Invalid value: min 3 is above", "spec: Forbidden: not nine"]
    );
    assert_eq!(
        refusals(&schema, &json!({"metadata": {"name": "x"}}), None),
        ["<nil>: Invalid value: failed rule: self.metadata.name != 'x'"]
    );
    let old = of(json!({"min": 3, "max": 2, "size": 5}));
    assert_eq!(refusals(&schema, &old, Some(&old)), Vec::<String>::new());
    assert_eq!(
        refusals(&schema, &of(json!({"min": 1, "max": 2, "size": 4})), Some(&old)),
        ["spec.size: Invalid value: 4: cannot shrink"]
    );
    assert_eq!(
        refusals(&schema, &of(json!({"max": 2})), None),
        ["spec: Invalid value: \"object\": no such key: min evaluating rule: self.min <= self.max"]
    );
}

#[test]
fn what_expressions_can_call_something() {
    for (name, expected) in [
        ("replicas", true),
        ("_a1", true),
        ("in", false),
        ("while", false),
        ("1a", false),
        ("a-b", false),
        ("", false),
        ("é", false),
    ] {
        assert_eq!(super::is_identifier(name), expected, "{name}");
    }
}

/// What upstream says of these, recorded from it: the first thing that it finds, without the place.
#[test]
fn what_cannot_be_read_is_refused_in_upstreams_words() {
    const REST: &str = "'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
    let arguments = |input: &str| format!("{input} expecting {{'[', '{{', '(', ')', '.', '-', '!', {REST}");
    let elements = |input: &str| format!("{input} expecting {{'[', ']', '{{', '(', '.', ',', '-', '!', '?', {REST}");
    let entries = |input: &str| format!("{input} expecting {{'[', '{{', '}}', '(', '.', ',', '-', '!', '?', {REST}");
    let index = |input: &str| format!("{input} expecting {{'[', '{{', '(', '.', '-', '!', '?', {REST}");
    let primary = |input: &str| format!("{input} expecting {{'[', '{{', '(', '.', '-', '!', {REST}");
    let end = "mismatched input '<EOF>'";
    for (source, at, expected) in [
        ("foo(", 5, arguments(end)),
        ("foo(,)", 5, arguments("extraneous input ','")),
        ("foo(1,", 7, primary(end)),
        ("a.b(", 5, arguments(end)),
        ("foo(1", 6, "missing ')' at '<EOF>'".to_string()),
        ("foo(bar(1", 10, format!("{end} expecting ')'")),
        ("[", 2, elements(end)),
        ("[1", 3, format!("{end} expecting {{']', ','}}")),
        ("[1,", 4, "missing ']' at '<EOF>'".to_string()),
        ("[,", 3, "missing ']' at '<EOF>'".to_string()),
        ("[1,,2]", 4, "mismatched input ',' expecting ']'".to_string()),
        ("[1 2]", 4, "extraneous input '2' expecting {']', ','}".to_string()),
        ("{", 2, entries(end)),
        ("{1 2}", 4, "missing ':' at '2'".to_string()),
        ("{1:2", 5, format!("{end} expecting {{'}}', ','}}")),
        ("{1:2,,}", 6, "extraneous input ',' expecting '}'".to_string()),
        ("a[", 3, index(end)),
        ("a ? b c", 7, "missing ':' at 'c'".to_string()),
        ("a ? b extraneous", 7, "missing ':' at 'extraneous'".to_string()),
        ("Msg{", 5, format!("{end} expecting {{'}}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}}")),
        ("Msg{?", 6, format!("{end} expecting {{IDENTIFIER, ESC_IDENTIFIER}}")),
        ("Msg{a:1,", 9, "missing '}' at '<EOF>'".to_string()),
        (".(", 2, "no viable alternative at input '.('".to_string()),
        ("0x", 2, "extraneous input 'x' expecting <EOF>".to_string()),
        ("r'", 2, "token recognition error at: '''".to_string()),
        ("'''a", 3, "token recognition error at: ''a'".to_string()),
    ] {
        let said = value_of(source, &json!({})).unwrap_err();
        assert_eq!(said.lines().next(), Some(&*format!("ERROR: <input>:1:{at}: Syntax error: {expected}")), "{source}");
    }
    for (source, expected) in [("a.`b`", "1:3: unsupported syntax: '`'"), ("while", "1:1: reserved identifier: while")]
    {
        let said = value_of(source, &json!({})).unwrap_err();
        assert_eq!(said.lines().next(), Some(&*format!("ERROR: <input>:{expected}")), "{source}");
    }
}
