"""Rules of custom resources: what compiles, what it costs, and what it refuses."""
from differential import *

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
G = "cel.example.com"
NS = f"/apis/{G}/v1/namespaces/diff-cel"


def crd(plural, kind, schema, **spec):
    v1 = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{G}"},
            "spec": {"group": G, "scope": "Namespaced", "versions": [v1],
                     "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}} | spec}


PROPS = {"n": {"type": "integer"}, "x": {"type": "number"}, "s": {"type": "string", "maxLength": 10}, "b": {"type": "boolean"},
         "free": {"type": "string"}, "either": {"x-kubernetes-int-or-string": True},
         "list": {"type": "array", "maxItems": 5, "items": {"type": "string", "maxLength": 5}},
         "open": {"type": "array", "items": {"type": "string"}},
         "objs": {"type": "array", "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "v": {"type": "integer"}}}},
         "map": {"type": "object", "additionalProperties": {"type": "integer"}},
         "smap": {"type": "object", "additionalProperties": {"type": "string"}},
         "when": {"type": "string", "format": "date-time"}, "dur": {"type": "string", "format": "duration"},
         "raw": {"type": "string", "format": "byte"}, "word": {"type": "string", "enum": ["one", "three"]}}


def refuse(name, rule, **more):
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": PROPS, "x-kubernetes-validations": [{"rule": rule} | more]}}}
    return post(name, f"{CRDS}?dryRun=All", crd("things", "Thing", schema), ignore=["body.metadata", "body.spec", "body.status"])


RULES = [
    "self.nope == 1", "nope == 1", "self.n == 'a'", "self.n", "self.n +", "self.n ==== 1", "self.n > 1 &&", "self.s.matches(1)",
    "self.s.matches('(')", "self.list.all(x, x > 1)", "self.n.all(x, x > 1)", "self.list.map(1, x)", "size(self.n) > 1",
    "self.n.foo()", "foo(self.n) == 1", "self.list + 1 == self.list", "self.map['a'] == 'b'", "self.n ? true : false",
    "self.n == 1 ? 1 : 'a'", "[1, 'a'].size() == 2", "{'a': 1, 1: 2}.size() == 2", "has(self)", "has(self.nope)", "!self.n", "-self.s == ''",
    "self.s && self.b", "self.either == 1", "self.either.size() == 1", "self.n < self.x", "self.n == self.x", "'x' + 1 == 'x1'",
    "self.open.all(x, x == 'a')", "self.open.exists(x, x == 'a')", "self.open.all(x, self.open.all(y, x == y))", "self.objs.all(x, x.name == 'a')",
    "self.objs.exists(x, self.objs.exists(y, x.name == y.name && x.v > y.v))", "self.map.all(k, self.map[k] > 1)", "self.smap.all(k, self.smap[k] == k)",
    "self.free.matches('^[a-z]+$')", "self.free.contains(self.s)", "self.free.contains('abc')", "self.free == self.free", "self.free.startsWith(self.free)",
    "self.open.map(x, x + 'a').all(y, y != '')", "self.open.filter(x, x != 'a').size() == 1", "self.open.exists_one(x, x == 'a')",
    "self.open.join(',') == ''", "self.free.split(',').all(x, x == 'a')", "self.free.replace('a', 'bb').size() > 1", "self.free.lowerAscii() == 'a'",
    "self.free.find('[0-9]+') == ''", "self.free.findAll('[0-9]+').size() == 1", "self.open.isSorted()", "self.list.isSorted()", "self.open.indexOf('a') == 1",
    "self.open == self.open", "self.open == ['a']", "'a' in self.open", "self.free in self.open", "quantity(self.free).isInteger()", "url(self.free).getHost() == ''",
    "isURL(self.free)", "self.when > timestamp('2020-01-01T00:00:00Z')", "self.dur < duration('1h')", "self.raw == b'a'", "self.word == 'one'", "self.free.size() > 1",
    "string(self.n) == '1'", "(self.free + self.free + string(self.n)) == 'a'", "self.list.all(x, self.list.all(y, self.list.all(z, x == y)))", "self.open.map(x, self.open.map(y, x + y)).size() > 1",
    "self.objs.map(x, x.name).all(y, y.matches('a+'))", "self.objs.all(x, has(x.v) && x.v > 1)", "self.objs.filter(x, x.v > 1).all(x, x.name.startsWith('a'))",
    "sets.contains(self.open, ['a'])", "self.open.all(x, ip(x).family() == 4)", "cidr(self.free).containsIP(self.free)", "format.dns1123Label().validate(self.free).hasValue()",
    "self.?free.orValue('') == ''", "self.?free.hasValue()", "self.open.all(i, x, i > 1 && x == 'a')", "self.open.transformList(i, x, x + 'a').size() > 1", "self.smap.transformList(k, v, k + v).size() > 1",
    "oldSelf.n == self.n", "self.open[0] == 'a'", "self.open[0].matches(self.free)", "dyn(self.n) == 1", "type(self.n) == int", "true", "false", "null == 1", "1", "'a'", "self.metadata == 1",
    "self.n == 1\n&& self.s == ''", "self.list.exists(x, x == 'a') || self.list.exists(x, x.nope == 1)", "self.open.all(x, x.size() > 1 && x.matches('a') && x.contains('b'))", "self.n = 1", "self.'a'", "a b", "for", "self.for", "(self.n == 1", "self.list[1", "{'a'}", "'unterminated", "self.n # 1", "9223372036854775808 == 1", "1 / 0 == 1", "'\\d' == ''",
]

RULED = {"type": "object", "properties": {"spec": {"type": "object", "properties": {
    "n": {"type": "integer"}, "m": {"type": "integer"}, "s": {"type": "string", "maxLength": 100}, "either": {"x-kubernetes-int-or-string": True, "maxLength": 20},
    "set": {"type": "array", "maxItems": 10, "x-kubernetes-list-type": "set", "items": {"type": "string", "maxLength": 10}},
    "imm": {"type": "string", "maxLength": 10, "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "imm is immutable"}]},
    "opt": {"type": "integer", "x-kubernetes-validations": [{"rule": "!oldSelf.hasValue() || self > oldSelf.value()", "optionalOldSelf": True, "message": "must grow"}]},
    "items": {"type": "array", "maxItems": 10, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": {
        "type": "object", "required": ["name"], "properties": {"name": {"type": "string", "maxLength": 10}, "v": {"type": "integer"}},
        "x-kubernetes-validations": [{"rule": "!has(oldSelf.v) || self.v >= oldSelf.v", "message": "v may not shrink", "fieldPath": ".v"},
                                     {"rule": "self.name != 'bad'", "reason": "FieldValueForbidden", "message": "bad name"}]}},
    "map": {"type": "object", "maxProperties": 5, "additionalProperties": {"type": "string", "maxLength": 10, "x-kubernetes-validations": [{"rule": "self != 'x'", "message": "no x"}]}}},
    "x-kubernetes-validations": [
        {"rule": "!has(self.n) || !has(self.m) || self.n <= self.m", "messageExpression": "'n %d is above m %d'.format([self.n, self.m])"},
        {"rule": "!has(self.s) || self.s.size() < 5"},
        {"rule": "!has(self.s) || self.s != 'dup'", "reason": "FieldValueDuplicate", "fieldPath": ".s", "message": "taken"},
        {"rule": "!has(self.s) || self.s != 'req'", "reason": "FieldValueRequired", "fieldPath": ".s", "message": "needed"},
        {"rule": "!has(self.s) || self.s != 'div' || 1 / (self.n - self.n) == 1", "message": "divides"},
        {"rule": "!has(self.s) || self.s != 'key' || self.m == 1"},
        {"rule": "!has(self.either) || self.either > 3", "message": "either"}]}},
    "x-kubernetes-validations": [{"rule": "self.metadata.name != 'rootbad'", "message": "root rule"}]}
W = f"{NS}/ruleds"


def obj(name, **spec):
    return {"apiVersion": f"{G}/v1", "kind": "Ruled", "metadata": {"name": name}, "spec": spec}


STEPS = [namespace("diff-cel")] + [refuse(f"rule {i}", r, **({"message": "m"} if "\n" in r else {})) for i, r in enumerate(RULES)] + [
    refuse("message expression is no string", "true", messageExpression="1"),
    refuse("message expression does not compile", "true", messageExpression="self.nope"),
    refuse("message expression costs", "true", messageExpression="'a' + string(self.n)"),
    refuse("message expression costs nothing", "true", messageExpression="'a' + self.s"),
    refuse("empty rule", " "), refuse("empty message", "true", message=" "), refuse("message with lines", "true", message="a\nb"),
    refuse("lines without message", "true ||\nfalse", message=""), refuse("reason", "true", reason="Nope"), refuse("field path", "true", fieldPath=".nope"),
    refuse("field path fits", "true", fieldPath=".n"), refuse("field path by key", "true", fieldPath="['n']"), refuse("field path of list", "true", fieldPath=".objs.name"),
    refuse("optional old self unused", "true", optionalOldSelf=True), refuse("optional old self", "oldSelf.hasValue()", optionalOldSelf=True),
    post("nested unbounded", f"{CRDS}?dryRun=All", crd("things", "Thing", {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object", "properties": {
        "l": {"type": "array", "items": {"type": "string"}, "x-kubernetes-validations": [{"rule": "self.all(x, x == 'a')"}]}},
        "x-kubernetes-validations": [{"rule": "self.l.size() > 1"}, {"rule": "oldSelf.l.size() > 1"}]}}}}), ignore=["body.metadata", "body.spec", "body.status"]),
    post("bounded", f"{CRDS}?dryRun=All", crd("things", "Thing", {"type": "object", "properties": {"a": {"type": "array", "maxItems": 1000, "items": {"type": "object", "properties": {
        "l": {"type": "array", "maxItems": 100, "items": {"type": "string", "maxLength": 1000}, "x-kubernetes-validations": [{"rule": "self.all(x, x.matches('^a+$'))"}, {"rule": "self.exists(x, x == 'abc')"}]}}}}}}), ignore=["body.metadata", "body.spec", "body.status"]),
    post("create", CRDS, crd("ruleds", "Ruled", RULED), ignore=["body.spec", "body.status"]),
    get("served", W, wait=4),
    post("fine", W, obj("a", n=1, m=2, s="abc", set=["a", "b"], imm="i", opt=3, items=[{"name": "one", "v": 3}], map={"k": "v"}, either=5)),
    post("message expression", W, obj("b", n=3, m=2)), post("default message", W, obj("b", s="abcdefg")), post("duplicate reason", W, obj("b", s="dup")),
    post("required reason", W, obj("b", s="req")), post("division", W, obj("b", s="div", n=1)), post("no such key", W, obj("b", s="key")),
    post("dyn overload", W, obj("b", either="50%")), post("several", W, obj("b", n=3, m=2, s="abcdefg", items=[{"name": "bad"}], map={"k": "x"})),
    post("root", W, obj("rootbad")), post("blocked by types", W, obj("b", n="x", m=1)), post("schema and rules", W, obj("b", n=3, m=2, s="x" * 101)),
    post("pattern beside rules", W, obj("b", n=3, m=2, set=["a", "a"])), post("too many", W, obj("b", set=[str(i) for i in range(11)])),
    patch("immutable", f"{W}/a", "merge", {"spec": {"imm": "j"}}), patch("immutable may be removed", f"{W}/a", "merge", {"spec": {"imm": None}}),
    patch("optional old self refuses", f"{W}/a", "merge", {"spec": {"opt": 3}}), patch("optional old self shrinks", f"{W}/a", "merge", {"spec": {"opt": 2}}),
    patch("list item correlates", f"{W}/a", "merge", {"spec": {"items": [{"name": "two", "v": 1}, {"name": "one", "v": 2}]}}),
    patch("list item grows", f"{W}/a", "merge", {"spec": {"items": [{"name": "two", "v": 1}, {"name": "one", "v": 4}]}}),
    patch("apply refused", f"{W}/ap?fieldManager=one", "apply", obj("ap", n=5, m=1)),
    delete("delete", f"{W}/a", compare="status"), delete("drop", f"{CRDS}/ruleds.{G}", compare="status"),
]
