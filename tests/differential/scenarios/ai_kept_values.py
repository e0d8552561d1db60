"""Values that belong to somebody else (`RawExtension`): kept as their writer wrote them, digit by digit, and what each
way to change an object does to them."""
from differential import delete, get, namespace, patch, post, put

NS = "xkept"
PROTOBUF = "application/vnd.kubernetes.protobuf"
YAML = "application/yaml"
IGNORED = ("body.metadata.uid", "body.metadata.resourceVersion", "body.details.uid")
# How a value is spelled: numbers, names that are there twice, escapes, order.
DATA = r'"data":(\{.*\}),"revision"'
PARAMETERS = r'"parameters":(\{.*\})\}\}\]'

ODD = ('{"z":12345678901234567890,"a":[1.0,1e2,-0,0.1e-7,1234567890123456789012345678901234567890.5],"dup":1,'
       '"dup":{"x":"\\u0041\\/","x":2},"e":"\u00e9\\u00e9"}')
IN_ORDER = '{"a":12345678901234567890,"b":{"n":1e2}}'
NUMBERS = '{"z":12345678901234567890,"b":1.0,"b":{"n":1e2},"x":"y"}'


def revisions(name="", query=""):
    return f"/apis/apps/v1/namespaces/{NS}/controllerrevisions" + (f"/{name}" if name else "") + query


def classes(name="", query=""):
    return "/apis/resource.k8s.io/v1/deviceclasses" + (f"/{name}" if name else "") + query


def revision(name, data, labels=""):
    return (f'{{"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{{"name":"{name}"{labels}}},'
            f'"data":{data},"revision":1}}')


def device_class(name, parameters, labels=""):
    return (f'{{"apiVersion":"resource.k8s.io/v1","kind":"DeviceClass","metadata":{{"name":"{name}"{labels}}},'
            f'"spec":{{"config":[{{"opaque":{{"driver":"d.example.com","parameters":{parameters}}}}}]}}}}')


LABELS = [("merge", {"metadata": {"labels": {"a": "m"}}}),
          ("json", [{"op": "add", "path": "/metadata/labels", "value": {"a": "j"}}]),
          ("strategic", {"metadata": {"labels": {"a": "s"}}})]


def applied(kind, version, name, **rest):
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": {"b": "a"}}} | rest


def config(parameters):
    return f'{{"spec":{{"config":[{{"opaque":{{"driver":"d.example.com","parameters":{parameters}}}}}]}}}}'


STEPS = [
    namespace(NS),
    post("a revision comes back as it was written", revisions(), raw=revision("odd", ODD), cut=DATA),
    get("and is stored so", revisions("odd"), cut=DATA),
    get("and listed so", revisions(), cut=DATA),
    get("and its numbers are what they were", revisions("odd"), ignore=IGNORED),
    get("for people", revisions("odd", "?pretty=true"), cut=r'"data": (\{.*\}),\s+"revision"'),
    get("in protobuf", revisions("odd"), accept=PROTOBUF, cut=r'\{"z".*?"e":"[^"]*"\}'),
    put("the same again changes nothing", revisions("odd"), raw=revision("odd", ODD), cut=DATA),
    put("another order is another value", revisions("odd"), raw=revision("odd", '{"e":1,"z":2}'), ignore=IGNORED),
    *[patch(f"a {kind} patch of a label", revisions("odd"), kind, body, ignore=IGNORED) for kind, body in LABELS],
    patch("an apply of a label", revisions("odd", "?fieldManager=m"), "apply",
          applied("ControllerRevision", "apps/v1", "odd", revision=1), ignore=IGNORED),
    get("nothing of it has changed", revisions("odd"), cut=DATA),

    post("in order and spelled plainly", revisions(), raw=revision("plain", '{"a":1,"b":[true,"x"]}'), cut=DATA),
    *[patch(f"a {kind} patch of its label", revisions("plain"), kind, body, ignore=IGNORED) for kind, body in LABELS],
    patch("a merge patch of the data", revisions("plain"), "merge", {"data": {"b": 2}}, ignore=IGNORED),
    put("in other words", revisions("plain"), raw=revision("plain", '{"a":1.0,"b":[true,"x"]}'), ignore=IGNORED),

    post("with white space", revisions(), raw=revision("wide", '{ "z" : 1.0,\n "a": [ ] }'), cut=DATA),
    get("with white space, in JSON", revisions("wide"), cut=DATA),
    put("the same white space again", revisions("wide"), raw=revision("wide", '{ "z" : 1.0,\n "a": [ ] }'), cut=DATA),
    get("with white space, in protobuf", revisions("wide"), accept=PROTOBUF, cut=r'\{\s*"z".*?\]\s*\}'),
    put("without white space", revisions("wide"), raw=revision("wide", '{"z":1.0,"a":[]}'), compare="status"),

    post("as YAML", revisions(), content_type=YAML, cut=DATA,
         raw="apiVersion: apps/v1\nkind: ControllerRevision\nmetadata: {name: words}\nrevision: 1\n"
             "data: {z: 12345678901234567890, a: [1.0, 1e2, 123456789012345678901234567890, 0x10, 1.5e300], \"no\": yes}\n"),
    get("in YAML", revisions("words"), accept=YAML, cut=r"data:\n.*?(?=kind:)"),
    patch("applied", revisions("applied", "?fieldManager=m"), "apply", None, cut=DATA,
          raw=revision("applied", '{"z":12345678901234567890,"b":1.0,"a":1e2,"d":9223372036854775807}')),
    patch("applied again", revisions("applied", "?fieldManager=m"), "apply", None, cut=DATA,
          raw=revision("applied", '{"z":12345678901234567890,"b":1.0,"a":1e2,"d":9223372036854775807}')),

    *[post(f"data that is {what}", revisions("", "?fieldValidation=Strict"), raw=revision(f"kind-{at}", data), ignore=IGNORED)
      for at, (what, data) in enumerate([("nothing", "null"), ("a number", "1"), ("a large number", "12345678901234567890"),
                                         ("a text", '"x"'), ("a list", "[1]"), ("a flag", "true"), ("empty", "{}"),
                                         ("twice the same", '{"a":1,"a":{"b":1,"b":2}}')])],
    *[post(f"data that is broken: {data}", revisions(), raw=revision("broken", data), compare="status")
      for data in ('{"a":}', '{"a":01}', '{"a":"\\x"}', "{", "[1,]", "nul", '{"a" 1}')],

    post("a class comes back as it was written", classes(), raw=device_class("kept.example.com", NUMBERS), cut=PARAMETERS),
    patch("a merge patch of its label", classes("kept.example.com"), "merge", {"metadata": {"labels": {"a": "m"}}}, cut=PARAMETERS),
    patch("a JSON patch inside", classes("kept.example.com"), "json", None, cut=PARAMETERS,
          raw='[{"op":"add","path":"/spec/config/0/opaque/parameters/y","value":98765432109876543210}]'),
    patch("a JSON patch that tests digits", classes("kept.example.com"), "json", None, cut=PARAMETERS,
          raw='[{"op":"test","path":"/spec/config/0/opaque/parameters/z","value":12345678901234567890},'
              '{"op":"add","path":"/spec/config/0/opaque/parameters/w","value":1}]'),
    patch("and other digits", classes("kept.example.com"), "json", None, ignore=IGNORED,
          raw='[{"op":"test","path":"/spec/config/0/opaque/parameters/z","value":12345678901234567891}]'),
    patch("a JSON patch that copies out of it", classes("kept.example.com"), "json", None, ignore=IGNORED,
          raw='[{"op":"add","path":"/spec/config/0/opaque/parameters/l","value":{"c":"d"}},'
              '{"op":"copy","from":"/spec/config/0/opaque/parameters/l","path":"/metadata/labels"}]'),
    patch("a JSON patch of all of it", classes("kept.example.com"), "json", None, cut=PARAMETERS,
          raw=f'[{{"op":"replace","path":"/spec/config/0/opaque/parameters","value":{IN_ORDER}}}]'),
    patch("a strategic merge patch of its label", classes("kept.example.com"), "strategic",
          {"metadata": {"labels": {"a": "s"}}}, cut=PARAMETERS),
    patch("a merge patch of the list around", classes("kept.example.com"), "merge", None, raw=config(NUMBERS), cut=PARAMETERS),
    patch("a merge patch with nulls", classes("kept.example.com"), "merge", None, cut=PARAMETERS,
          raw=config('{"z":null,"b":[null,{"c":null,"a":1.0}],"a":{"y":2,"x":1e2}}')),
    put("a class as it was", classes("kept.example.com"), raw=device_class("kept.example.com", NUMBERS), cut=PARAMETERS),
    patch("an apply that changes nothing", classes("kept.example.com", "?fieldManager=m"), "apply",
          {"apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": {"name": "kept.example.com"}}, cut=PARAMETERS),
    patch("an apply of its label", classes("kept.example.com", "?fieldManager=m"), "apply",
          applied("DeviceClass", "resource.k8s.io/v1", "kept.example.com"), cut=PARAMETERS),
    patch("a strategic merge patch of the list around", classes("kept.example.com"), "strategic", None, raw=config(NUMBERS), cut=PARAMETERS),
    put("two in order", classes("kept.example.com"), raw=device_class("kept.example.com", '{"a":1,"b":2}'), ignore=IGNORED),
    put("two in another order are a change", classes("kept.example.com", "?fieldManager=other"),
        raw=device_class("kept.example.com", '{"b":2,"a":1}'), ignore=IGNORED),
    put("a number in other words is a change", classes("kept.example.com", "?fieldManager=third"),
        raw=device_class("kept.example.com", '{"b":2.0,"a":1}'), ignore=IGNORED),
    *[put(f"parameters that are {what}", classes("kept.example.com"), raw=device_class("kept.example.com", parameters), ignore=IGNORED)
      for what, parameters in [("nothing", "null"), ("a number", "1"), ("a list", "[1]"), ("escaped", '{"<":"&\\u003c"}')]],
    *[put(f"parameters of {what}", classes("kept.example.com"), raw=device_class("kept.example.com", parameters), ignore=IGNORED)
      for what, parameters in [("as many bytes as may be", '{"a":"%s"}' % ("x" * 10232)), ("one more", '{"a":"%s"}' % ("x" * 10233)),
                               ("too many with white space", '{"a":"%s" %s}' % ("x" * 10200, " " * 100))]],
    delete("the class", classes("kept.example.com"), compare="status"),
    delete("the revisions", revisions(), compare="status"),
]
