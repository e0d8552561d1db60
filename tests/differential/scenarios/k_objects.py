"""Custom objects: defaults, pruning, validation, ratcheting, versions, subresources, columns."""
from differential import *

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
G = "objects.example.com"
NS = f"/apis/{G}/v1/namespaces/diff-objects"
MF = ["body.metadata.managedFields"]
DRY = MF + ["body.metadata.uid"]
O = {"type": "object"}
S = {"type": "string"}
I = {"type": "integer"}


def p(**q):
    return {"type": "object", "properties": q}


def crd(plural, kind, versions, **spec):
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{plural}.{G}"},
            "spec": {"group": G, "scope": "Namespaced", "versions": versions,
                     "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}} | spec}


def v(name, schema, **more):
    return {"name": name, "served": True, "storage": name == "v1", "schema": {"openAPIV3Schema": schema}} | more


def obj(kind, name, version="v1", **rest):
    return {"apiVersion": f"{G}/{version}", "kind": kind, "metadata": {"name": name}} | rest


ALL = p(spec=p(
    i32={"type": "integer", "format": "int32"}, i64={"type": "integer", "format": "int64"}, i=I, n={"type": "number"}, f={"type": "number", "format": "float"},
    mult={"type": "integer", "multipleOf": 3}, nmult={"type": "number", "multipleOf": 0.5},
    ex={"type": "integer", "minimum": 1, "exclusiveMinimum": True, "maximum": 5, "exclusiveMaximum": True},
    s={"type": "string", "minLength": 2, "maxLength": 4}, pat={"type": "string", "pattern": "^[a-z]+$"}, e={"type": "string", "enum": ["a", "b"]}, ei={"type": "integer", "enum": [1, 2]},
    b={"type": "boolean"}, nul={"type": "string", "nullable": True}, nuld={"type": "string", "nullable": True, "default": "d"}, dn={"type": "string", "default": "d"},
    l={"type": "array", "minItems": 1, "maxItems": 2, "items": S}, ll={"type": "array", "items": {"type": "array", "items": I}},
    set={"type": "array", "x-kubernetes-list-type": "set", "items": S}, nset={"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "number"}},
    oset={"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"a": S}}},
    lm={"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k", "p"], "items": {"type": "object", "required": ["k"], "properties": {"k": S, "p": {"type": "integer", "default": 80}, "v": S}}},
    m={"type": "object", "minProperties": 1, "maxProperties": 2, "additionalProperties": S}, mi={"type": "object", "additionalProperties": {"type": "integer", "maximum": 5}},
    mo={"type": "object", "additionalProperties": p(a={"type": "string", "default": "x"})},
    req={"type": "object", "required": ["a", "b"], "properties": {"a": S, "b": p(c=S)}},
    any={"type": "object", "properties": {"a": S, "b": S}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    one={"type": "object", "properties": {"a": S, "b": S}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
    all={"type": "string", "allOf": [{"minLength": 2}, {"pattern": "^a"}]}, no={"type": "string", "not": {"pattern": "x"}},
    allp={"type": "object", "properties": {"a": I}, "allOf": [{"properties": {"a": {"minimum": 3}}, "required": ["a"]}]},
    ios={"x-kubernetes-int-or-string": True, "pattern": "^[0-9]+%$"}, iosm={"x-kubernetes-int-or-string": True, "maximum": 5},
    raw={"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"known": p(a=I)}}, untyped={"x-kubernetes-preserve-unknown-fields": True},
    rl={"type": "array", "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
    emb={"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
    emb2={"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": p(a=S)}},
    date={"type": "string", "format": "date"}, dt={"type": "string", "format": "date-time"}, dur={"type": "string", "format": "duration"}, ip4={"type": "string", "format": "ipv4"}, ip6={"type": "string", "format": "ipv6"},
    ip={"type": "string", "format": "ip"}, cidr={"type": "string", "format": "cidr"}, mac={"type": "string", "format": "mac"}, uuid={"type": "string", "format": "uuid"}, uri={"type": "string", "format": "uri"},
    email={"type": "string", "format": "email"}, host={"type": "string", "format": "hostname"}, byte={"type": "string", "format": "byte"}, color={"type": "string", "format": "hexcolor"}, rgb={"type": "string", "format": "rgbcolor"},
    ssn={"type": "string", "format": "ssn"}, isbn={"type": "string", "format": "isbn"}, cc={"type": "string", "format": "creditcard"}, pw={"type": "string", "format": "password"}, bson={"type": "string", "format": "bsonobjectid"},
    u3={"type": "string", "format": "uuid3"}, u4={"type": "string", "format": "uuid4"}, u5={"type": "string", "format": "uuid5"}, i10={"type": "string", "format": "isbn10"}, i13={"type": "string", "format": "isbn13"},
    sn={"type": "string", "format": "k8s-short-name"}, ln={"type": "string", "format": "k8s-long-name"}, nope={"type": "string", "format": "nope"},
), status=p(x=S))

W = f"{NS}/alls"


def spec(what, s, **kw):
    return post(what, f"{W}?dryRun=All", obj("All", "x", spec=s), **({"ignore": DRY} | kw))


BAD = {"date": ["2020-13-01", "x", ""], "dt": ["2020-01-01", "2020-01-01T00:00:00", "2020-01-01t00:00:00z", "2020-01-01T00:00:00.123+02:00"], "dur": ["1", "1h", "1d", "-1h", "1 day", "1h 5m", "x"], "ip4": ["::1", "1.2.3", "01.2.3.4", "1.2.3.4"],
       "ip6": ["1.2.3.4", "::", "::ffff:1.2.3.4"], "ip": ["x", "1.2.3.4"], "cidr": ["1.2.3.4", "1.2.3.4/33", "1.2.3.4/8"], "mac": ["x", "01:02:03:04:05:06"], "uuid": ["x", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc999c0b4ef8bb6d6bb9bd380a11"],
       "uri": ["x", "http://a", "a b", "/x"], "email": ["x", "a@b", "a <a@b.c>"], "host": ["a_b", "-a", "a.b.c", "x" * 300], "byte": ["!", "YQ==", "YQ", "YQ=\n="], "color": ["#fff", "fff", "red"], "rgb": ["rgb(1,2,3)", "rgb(1,2,300)"],
       "ssn": ["123-45-6789", "x", "123 45 6789"], "isbn": ["0306406152", "x"], "cc": ["4111111111111111", "1"], "pw": ["x"], "bson": ["507f1f77bcf86cd799439011", "x"], "u3": ["x"],
       "u4": ["x"], "u5": ["x"], "i10": ["0306406152", "9780306406157"], "i13": ["9780306406157", "x"], "sn": ["A", "a.b", "a"], "ln": ["A", "a.b"], "nope": ["x"]}

STEPS = [
    namespace("diff-objects"),
    post("definition", CRDS, crd("alls", "All", [v("v1", ALL, subresources={"status": {}})]), compare="status"),
    get("served", W, wait=30),
    *[spec(f"format {f} {b[:40]!r}", {f: b}) for f, bs in BAD.items() for b in bs],
    spec("int32 too big", {"i32": 3000000000}), spec("int32 negative", {"i32": -3000000000}), spec("int64 big", {"i64": 9223372036854775807}), spec("int too big", {"i": 9223372036854775808}),
    post("float as integer", f"{W}?dryRun=All", raw='{"apiVersion":"%s/v1","kind":"All","metadata":{"name":"x"},"spec":{"i":1.0,"n":1,"i64":1e3}}' % G, ignore=DRY),
    post("float numbers", f"{W}?dryRun=All", raw='{"apiVersion":"%s/v1","kind":"All","metadata":{"name":"x"},"spec":{"n":1.10,"f":1e400}}' % G, ignore=DRY),
    post("number forms", f"{W}?dryRun=All", raw='{"apiVersion":"%s/v1","kind":"All","metadata":{"name":"x"},"spec":{"n":1.10E2,"f":-0.0,"untyped":[1e2,1.50,12345678901234567890,-0]}}' % G, ignore=DRY),
    spec("fraction as integer", {"i": 1.5}), spec("float as text", {"n": "1"}), spec("multiple", {"mult": 4}), spec("number multiple", {"nmult": 0.75}), spec("exclusive low", {"ex": 1}), spec("exclusive high", {"ex": 5}),
    spec("short", {"s": "a"}), spec("long", {"s": "abcde"}), spec("unicode length", {"s": "äöüß"}), spec("pattern", {"pat": "A"}), spec("enum", {"e": "c"}), spec("enum type", {"e": 1}), spec("int enum", {"ei": 3}),
    spec("boolean", {"b": "true"}), spec("null where not", {"s": None, "i": None, "l": None, "m": None}), spec("null where default", {"dn": None}), spec("null nullable", {"nul": None}), spec("null nullable default", {"nuld": None}),
    spec("null in list", {"l": ["a", None]}), spec("null in map", {"mi": {"a": None}}), spec("null in preserved", {"raw": {"a": None, "known": None}, "untyped": None}),
    spec("no items", {"l": []}), spec("three items", {"l": ["a", "b", "c"]}), spec("item type", {"l": ["a", 1]}), spec("list of lists", {"ll": [[1], ["a"], 5]}), spec("list is object", {"l": {"a": 1}}), spec("list is text", {"l": "a"}),
    spec("set", {"set": ["a", "b", "a", "b"]}), spec("number set", {"nset": [1, 1.0, 2]}), spec("object set", {"oset": [{"a": "x"}, {"a": "y"}, {"a": "x"}]}),
    spec("list map", {"lm": [{"k": "a"}, {"k": "a", "p": 80}, {"k": "a", "p": 81}]}), spec("list map without key", {"lm": [{"v": "a"}, {"p": 1}]}), spec("list map null", {"lm": [None]}), spec("list map wrong", {"lm": ["a"]}),
    spec("no properties", {"m": {}}), spec("many properties", {"m": {"a": "1", "b": "2", "c": "3"}}), spec("map values", {"mi": {"a": 6}}), spec("map defaults", {"mo": {"a": {}, "b": {"c": 1}}}), spec("map is list", {"m": []}),
    spec("required", {"req": {}}), spec("required null", {"req": {"a": None, "b": None}}), spec("any of none", {"any": {}}), spec("any of both", {"any": {"a": "1", "b": "2"}}), spec("one of none", {"one": {}}), spec("one of both", {"one": {"a": "1", "b": "2"}}),
    spec("all of", {"all": "b"}), spec("not", {"no": "axb"}), spec("all of properties", {"allp": {"a": 1}}), spec("all of required", {"allp": {}}), spec("int or string int", {"ios": 5}), spec("int or string text", {"ios": "x"}), spec("int or string bool", {"ios": True}), spec("int or string float", {"ios": 1.5}), spec("int or string max", {"iosm": 6}),
    spec("preserved", {"raw": {"x": {"y": 1}, "known": {"a": 1, "b": 2}}, "untyped": {"x": 1}, "rl": [{"a": 1}, {}]}), spec("preserved wrong", {"raw": {"known": {"a": "x"}}}), spec("untyped text", {"untyped": "x"}), spec("untyped list", {"untyped": [1, "a", {}]}),
    spec("embedded none", {"emb": {}}), spec("embedded bad", {"emb": {"apiVersion": "a/b/c", "kind": "", "metadata": {"name": "A_", "labels": {"a b": "c"}}}}), spec("embedded fine", {"emb": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "foo": 1, "labels": {"a": "b"}}, "spec": {"x": 1}}}),
    spec("embedded metadata text", {"emb": {"apiVersion": "v1", "kind": "Pod", "metadata": "x"}}), spec("embedded metadata name number", {"emb": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": 1}}}), spec("embedded pruned", {"emb2": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"a": "1", "b": 2}, "status": {}}}),
    spec("embedded kind lower", {"emb": {"apiVersion": "v1", "kind": "pod"}}), spec("embedded kind bad", {"emb": {"apiVersion": "v1", "kind": "po_d"}}),
    spec("unknown warns", {"zzz": 1, "req": {"a": "1", "b": {"d": 1, "c": "x"}}}), 
    post("unknown strict", f"{W}?dryRun=All&fieldValidation=Strict", obj("All", "x", spec={"zzz": 1, "req": {"a": "1", "b": {"d": 1}}, "l": ["a"], "mo": {"k": {"q": 1}}, "lm": [{"k": "a", "z": 1}]}, top=1)),
    post("unknown in metadata strict", f"{W}?dryRun=All&fieldValidation=Strict", obj("All", "x") | {"metadata": {"name": "x", "foo": 1, "Labels": {}}}),
    post("unknown in metadata warn", f"{W}?dryRun=All", obj("All", "x") | {"metadata": {"name": "x", "foo": 1, "Labels": {}}}, ignore=DRY),
    post("unknown ignored", f"{W}?dryRun=All&fieldValidation=Ignore", obj("All", "x", spec={"zzz": 1}, top=1), ignore=DRY),
    post("validation nonsense", f"{W}?dryRun=All&fieldValidation=Nope", obj("All", "x")),
    post("duplicate keys", f"{W}?dryRun=All&fieldValidation=Strict", raw='{"apiVersion":"%s/v1","kind":"All","metadata":{"name":"x","name":"y"},"spec":{"s":"ab","s":"cd","untyped":{"a":1,"a":2}}}' % G),
    post("duplicate keys warn", f"{W}?dryRun=All", raw='{"apiVersion":"%s/v1","kind":"All","metadata":{"name":"x","name":"y"},"spec":{"s":"ab","s":"cd","untyped":{"a":1,"a":2}}}' % G, ignore=DRY),
    post("metadata text", f"{W}?dryRun=All", obj("All", "x") | {"metadata": "x"}), post("metadata name number", f"{W}?dryRun=All", obj("All", "x") | {"metadata": {"name": 1}}), post("labels wrong", f"{W}?dryRun=All", obj("All", "x") | {"metadata": {"name": "x", "labels": {"a": 1}}}),
    post("labels list", f"{W}?dryRun=All", obj("All", "x") | {"metadata": {"name": "x", "labels": ["a"]}}), post("finalizers wrong", f"{W}?dryRun=All", obj("All", "x") | {"metadata": {"name": "x", "finalizers": "a"}}), post("owner wrong", f"{W}?dryRun=All", obj("All", "x") | {"metadata": {"name": "x", "ownerReferences": [{"name": "a"}]}}),
    post("creation time wrong", f"{W}?dryRun=All", obj("All", "x") | {"metadata": {"name": "x", "creationTimestamp": "x"}}), post("null metadata", f"{W}?dryRun=All", obj("All", "x") | {"metadata": None}),
    post("no name", f"{W}?dryRun=All", obj("All", "x") | {"metadata": {}}), post("bad name", f"{W}?dryRun=All", obj("All", "A_b")), post("wrong kind", f"{W}?dryRun=All", obj("Other", "x")), post("wrong version", f"{W}?dryRun=All", obj("All", "x", "v2")), post("no kind", f"{W}?dryRun=All", {"apiVersion": f"{G}/v1", "metadata": {"name": "x"}}),
    post("no version", f"{W}?dryRun=All", {"kind": "All", "metadata": {"name": "x"}}), post("a list", f"{W}?dryRun=All", raw="[]"), post("nothing", f"{W}?dryRun=All", raw=""), post("text", f"{W}?dryRun=All", raw="\"x\""), post("broken", f"{W}?dryRun=All", raw='{"a":'), post("spec text", f"{W}?dryRun=All", obj("All", "x", spec="a")),
    post("other namespace", f"{W}?dryRun=All", obj("All", "x") | {"metadata": {"name": "x", "namespace": "other"}}), post("kind number", f"{W}?dryRun=All", {"apiVersion": f"{G}/v1", "kind": 5, "metadata": {"name": "x"}}),
    post("yaml", f"{W}?dryRun=All", raw=f"apiVersion: {G}/v1\nkind: All\nmetadata:\n  name: x\nspec:\n  s: yes\n  b: yes\n  untyped: {{a: 010, b: 0x10, c: 1_000, d: .5, e: ~, f: 2020-01-01, g: 1e3, h: 0o10, i: .inf}}\n", content_type="application/yaml", ignore=DRY),
    post("yaml fine", f"{W}?dryRun=All", raw=f"apiVersion: {G}/v1\nkind: All\nmetadata:\n  name: x\nspec:\n  s: \"yes\"\n  b: on\n  untyped: {{a: 010, b: 0x10, c: 1_000, d: .5, e: ~, f: 2020-01-01, g: 1e3, h: 0o10, j: 'x', k: 1:30}}\n", content_type="application/yaml", ignore=DRY),
    post("yaml duplicate", f"{W}?dryRun=All&fieldValidation=Strict", raw=f"apiVersion: {G}/v1\nkind: All\nmetadata:\n  name: x\n  name: y\n", content_type="application/yaml"),
    post("yaml duplicate warn", f"{W}?dryRun=All", raw=f"apiVersion: {G}/v1\nkind: All\nmetadata:\n  name: x\n  name: y\n", content_type="application/yaml", ignore=DRY),
    post("yaml broken", f"{W}?dryRun=All", raw="a: [", content_type="application/yaml"), post("yaml two", f"{W}?dryRun=All", raw=f"apiVersion: {G}/v1\nkind: All\nmetadata:\n  name: x\n---\nb: 1\n", content_type="application/yaml", ignore=DRY),
    get("protobuf asked", W, accept="application/vnd.kubernetes.protobuf"), get("protobuf preferred", W, accept="application/vnd.kubernetes.protobuf,application/json"),
    post("text type", f"{W}?dryRun=All", raw="x", content_type="text/plain"), post("no type", f"{W}?dryRun=All", obj("All", "x"), headers={"Content-Type": ""}, ignore=DRY),
    # patches of custom objects
    post("create", W, obj("All", "a", spec={"s": "abc", "lm": [{"k": "a", "v": "1"}], "set": ["a"], "raw": {"x": 1}}, status={"x": "dropped"})),
    put("status", f"{W}/a/status", obj("All", "a", spec={"s": "zz"}, status={"x": "y"}) | {"metadata": {"name": "a", "labels": {"l": "1"}, "annotations": {"n": "1"}}}), get("after status", f"{W}/a"),
    patch("json patch", f"{W}/a", "json", [{"op": "add", "path": "/spec/lm/-", "value": {"k": "b"}}, {"op": "replace", "path": "/spec/s", "value": "xyz"}]),
    patch("json patch bad", f"{W}/a", "json", [{"op": "add", "path": "/spec/zzz/x", "value": 1}]), patch("json patch pruned", f"{W}/a", "json", [{"op": "add", "path": "/spec/zzz", "value": 1}]), patch("json patch strict", f"{W}/a?fieldValidation=Strict", "json", [{"op": "add", "path": "/spec/zzz", "value": 1}], compare="status"),
    patch("merge strict", f"{W}/a?fieldValidation=Strict", "merge", {"spec": {"zzz": 1}, "top": 2}, compare="status"), patch("merge warns", f"{W}/a", "merge", {"spec": {"zzz": 1}, "top": 2}), patch("merge refused", f"{W}/a", "merge", {"spec": {"s": "toolong"}}), patch("merge kind", f"{W}/a", "merge", {"kind": "Other"}), patch("merge version", f"{W}/a", "merge", {"apiVersion": "x/v1"}),
    patch("merge nothing", f"{W}/a", "merge", {}), patch("merge list", f"{W}/a", "merge", []), patch("merge uid", f"{W}/a", "merge", {"metadata": {"uid": "x"}}), patch("merge name", f"{W}/a", "merge", {"metadata": {"name": "b"}}), patch("merge namespace", f"{W}/a", "merge", {"metadata": {"namespace": "b"}}), patch("merge generation", f"{W}/a", "merge", {"metadata": {"generation": 77, "creationTimestamp": None, "selfLink": "x"}}),
    patch("merge stale", f"{W}/a", "merge", {"metadata": {"resourceVersion": "1"}}), patch("merge labels", f"{W}/a", "merge", {"metadata": {"labels": {"a b": "c"}}}),
    patch("apply", f"{W}/ap?fieldManager=one", "apply", obj("All", "ap", spec={"lm": [{"k": "a", "v": "1"}], "set": ["a"], "raw": {"x": {"y": 1}}, "untyped": {"q": [1]}, "m": {"a": "1"}, "l": ["a"], "ll": [[1]], "nul": None, "emb": {"apiVersion": "v1", "kind": "P", "metadata": {"name": "x"}, "spec": {"a": 1}}})),
    patch("apply two", f"{W}/ap?fieldManager=two", "apply", obj("All", "ap", spec={"lm": [{"k": "a", "p": 81, "v": "1"}, {"k": "a", "v": "2"}], "set": ["b"], "raw": {"x": {"z": 1}}, "m": {"b": "1"}, "l": ["b"]})),
    patch("apply two again", f"{W}/ap?fieldManager=two", "apply", obj("All", "ap", spec={"lm": [{"k": "a", "p": 81, "v": "1"}], "set": ["b"], "raw": {"x": {"z": 1}}, "m": {"b": "1"}})), patch("apply object set", f"{W}/ap?fieldManager=two", "apply", obj("All", "ap", spec={"oset": [{"a": "y"}]})),
    patch("apply duplicates", f"{W}/ap?fieldManager=one", "apply", obj("All", "ap", spec={"lm": [{"k": "a"}, {"k": "a"}]})), patch("apply set duplicates", f"{W}/ap?fieldManager=one", "apply", obj("All", "ap", spec={"set": ["a", "a"]})), patch("apply missing key", f"{W}/ap?fieldManager=one", "apply", obj("All", "ap", spec={"lm": [{"v": "1"}]})),
    patch("apply unknown", f"{W}/ap?fieldManager=one", "apply", obj("All", "ap", spec={"zzz": 1})), patch("apply unknown strict", f"{W}/ap?fieldManager=one&fieldValidation=Strict", "apply", obj("All", "ap", spec={"zzz": 1})), patch("apply wrong type", f"{W}/ap?fieldManager=one", "apply", obj("All", "ap", spec={"lm": {"a": 1}})), patch("apply wrong scalar", f"{W}/ap?fieldManager=one", "apply", obj("All", "ap", spec={"s": {"a": 1}})),
    patch("apply number for text", f"{W}/ap?fieldManager=one", "apply", obj("All", "ap", spec={"s": 5})), patch("apply wrong kind", f"{W}/ap?fieldManager=one", "apply", obj("Other", "ap")), patch("apply no kind", f"{W}/ap?fieldManager=one", "apply", {"metadata": {"name": "ap"}}), patch("apply no version", f"{W}/ap?fieldManager=one", "apply", {"kind": "All", "metadata": {"name": "ap"}}),
    patch("apply refused", f"{W}/ap?fieldManager=one", "apply", obj("All", "ap", spec={"s": "toolong"})), patch("apply status", f"{W}/ap/status?fieldManager=st", "apply", obj("All", "ap", status={"x": "1"})), patch("apply status again", f"{W}/ap/status?fieldManager=st2", "apply", obj("All", "ap", status={"x": "2"})), patch("apply status forced", f"{W}/ap/status?fieldManager=st2&force=true", "apply", obj("All", "ap", status={"x": "2"}, spec={"s": "ab"})),
    patch("apply with uid", f"{W}/ap?fieldManager=one", "apply", obj("All", "ap") | {"metadata": {"name": "ap", "uid": "another"}}), patch("apply with version", f"{W}/ap?fieldManager=one", "apply", obj("All", "ap") | {"metadata": {"name": "ap", "resourceVersion": "1"}}), patch("apply yaml broken", f"{W}/ap?fieldManager=one", "apply", None, raw="a: ["), patch("apply list", f"{W}/ap?fieldManager=one", "apply", []),
    patch("apply dry", f"{W}/dry?fieldManager=one&dryRun=All", "apply", obj("All", "dry", spec={"s": "ab"})), get("dry is none", f"{W}/dry"),
    put("put without name", f"{W}/a", obj("All", "") | {"metadata": {}}), put("put other name", f"{W}/a", obj("All", "b")), put("put none", f"{W}/none", obj("All", "none")), put("put with version of none", f"{W}/none", obj("All", "none") | {"metadata": {"name": "none", "resourceVersion": "5"}}),
    get("get missing", f"{W}/none"), delete("delete missing", f"{W}/none"), delete("delete", f"{W}/a"), delete("delete collection", f"{W}?dryRun=All", ignore=["body.items", "body.metadata"]), get("table without columns", W, accept=TABLE, ignore=["body.rows.*.object.metadata.managedFields"]), get("partial list", W, accept=PARTIAL_LIST, ignore=["body.items.*.metadata.managedFields"]),
    get("unknown subresource", f"{W}/ap/nope"), get("no scale", f"{W}/ap/scale"), post("post to one", f"{W}/ap", obj("All", "ap")), delete("delete status", f"{W}/ap/status"), post("post to status", f"{W}/ap/status", obj("All", "ap")), put("put collection", W, obj("All", "ap")), patch("patch collection", W, "merge", {}), get("other namespace list", f"/apis/{G}/v1/alls?limit=1", ignore=["body.items"]), post("post at cluster scope", f"/apis/{G}/v1/alls", obj("All", "q")),
    delete("drop", f"{CRDS}/alls.{G}", compare="status"),
]
