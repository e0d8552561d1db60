//! Turns the facts in `data/` into static tables, so that nothing is parsed when an instance
//! starts: `schema::builtin` makes a type from its row when it is first asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::{env, fs};

use serde_json::{Map, Value};

fn main() {
    let types = Types::read();
    let mut out = String::new();
    types.write(&mut out);
    types.write_kinds(&mut out);
    write_resources(&types, &mut out);
    println!("cargo::rustc-env=OPENAPI_FINGERPRINT={}", openapi_fingerprint(&out));
    write_table("builtin.rs", &out);
    write_table("internal.rs", &internal_types());
}

fn write_table(file: &str, table: &str) {
    let path = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join(file);
    fs::write(path, table).expect("the table is written to OUT_DIR");
}

/// The structs that show in messages, sorted by name.
fn internal_types() -> String {
    let types: BTreeMap<String, Value> = read("internal-types.json").into_iter().collect();
    let mut out = String::new();
    writeln!(out, "static TYPES: [(&str, &[InternalField]); {}] = [", types.len()).unwrap();
    for (name, fields) in &types {
        writeln!(out, "({name:?}, &[").unwrap();
        for field in fields.as_array().into_iter().flatten() {
            let text = |key: &str| field[key].as_str().unwrap_or_default().to_string();
            let kind = text("kind");
            let absent = format!("{}{}", kind[..1].to_uppercase(), &kind[1..]);
            let (go, json, of) = (text("go"), text("json"), text("of"));
            writeln!(out, "  InternalField {{ go: {go:?}, json: {json:?}, absent: Absent::{absent}, of: {of:?} }},")
                .unwrap();
        }
        out.push_str("]),\n");
    }
    out.push_str("];\n");
    out
}

/// Changes when the OpenAPI documents of built-in types may: with the types, or with the code
/// that writes them. So their hashes are known without writing the documents.
fn openapi_fingerprint(types: &str) -> String {
    let mut hasher = DefaultHasher::new();
    types.hash(&mut hasher);
    println!("cargo::rerun-if-changed=src/openapi");
    hash_folder(Path::new("src/openapi"), &mut hasher);
    format!("{:016x}", hasher.finish())
}

fn hash_folder(folder: &Path, hasher: &mut DefaultHasher) {
    let entries = fs::read_dir(folder).expect("src/openapi is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("src/openapi can be read").path()).collect();
    paths.sort();
    for path in paths {
        match path.is_dir() {
            true => hash_folder(&path, hasher),
            false => fs::read(path).expect("src/openapi can be read").hash(hasher),
        }
    }
}

/// The types by name, sorted: a type's number is its position.
struct Types {
    types: BTreeMap<String, Value>,
    numbers: BTreeMap<String, usize>,
    go: Map<String, Value>,
    texts: Descriptions,
}

impl Types {
    fn read() -> Self {
        let types: BTreeMap<String, Value> = read("types.json").into_iter().collect();
        let numbers = types.keys().enumerate().map(|(number, name)| (name.clone(), number)).collect();
        let texts = Descriptions::read(&types);
        Self { types, numbers, go: read("go-types.json"), texts }
    }

    fn write(&self, out: &mut String) {
        writeln!(out, "pub(super) static TYPES: [TypeFacts; {}] = [", self.types.len()).unwrap();
        for (name, facts) in &self.types {
            let atomic = facts["mapType"] == "atomic";
            let unions = facts.get("unions").map(Value::to_string);
            let has_foreign = self.holds(name, RAW_EXTENSION, &mut BTreeSet::new());
            writeln!(
                out,
                "TypeFacts {{ name: {name:?}, body: {}, atomic: {atomic}, has_foreign: {has_foreign}, description: {:?}, \
                 unions: {unions:?} }},",
                self.body(name, facts),
                self.texts.of_type(name),
            )
            .unwrap();
        }
        out.push_str("];\n");
    }

    /// Whether there is a value of the type in one of the other, at any depth.
    fn holds<'t>(&'t self, name: &'t str, wanted: &str, seen: &mut BTreeSet<&'t str>) -> bool {
        let fields = self.types.get(name).and_then(|facts| facts["fields"].as_object());
        seen.insert(name)
            && fields.into_iter().flatten().any(|(_, facts)| {
                let held = [facts, &facts["items"], &facts["map"], &facts["map"]["items"]];
                held.into_iter()
                    .filter_map(|facts| facts["ref"].as_str())
                    .any(|held| held == wanted || self.holds(held, wanted, seen))
            })
    }

    fn body(&self, name: &str, facts: &Value) -> String {
        let Some(fields) = facts["fields"].as_object() else {
            return special(name).to_string();
        };
        let required = strings(&facts["required"]);
        let mut body = String::from("Body::Struct(&[\n");
        for (field, facts) in fields {
            self.write_field(name, field, facts, required.contains(&field.as_str()), &mut body);
        }
        body.push_str("])");
        body
    }

    fn write_field(&self, owner: &str, name: &str, facts: &Value, required: bool, out: &mut String) {
        let go = self.go.get(owner).and_then(|fields| fields.get(name)).cloned().unwrap_or_default();
        let mut path = numbers(&go["pb"]);
        let number = facts["pb"].as_u64().or_else(|| path.pop()).unwrap_or(0);
        let default = facts.get("default").map(Value::to_string);
        writeln!(
            out,
            "  FieldFacts {{ name: {name:?}, place: {}, required: {required}, default: {default:?}, when_unset: {:?}, \
             list_type: {:?}, map_type: {:?}, description: {:?}, number: {number}, wire: Wire::{}, native: Native {{ within: &{path:?}, embedded: &{:?}, \
             go: {:?}, at: {} }} }},",
            self.place(facts, true),
            facts["whenUnset"].as_str(),
            facts["listType"].as_str(),
            facts["mapType"].as_str(),
            self.texts.of_field(owner, name),
            if go["go"] == "v1.Verbs" { "StringListMessage" } else { self.wire(facts) },
            strings(&go["in"]),
            go["go"].as_str().unwrap_or(""),
            go["at"].as_u64().unwrap_or(0),
        )
        .unwrap();
    }

    /// What a field, an item or a map's value may hold. `outer` facts are those of the field.
    fn place(&self, facts: &Value, outer: bool) -> String {
        let strategy = facts["patchStrategy"].as_str().filter(|_| outer).unwrap_or("");
        let retain_keys = strategy.contains("retainKeys");
        if let Some(name) = facts["ref"].as_str() {
            let granular = facts["mapType"] == "granular";
            let replace = strategy == "replace";
            let number = self.number(name);
            return if retain_keys || replace || granular {
                format!(
                    "Place::Changed {{ of: Type({number}), retain_keys: {retain_keys}, replace: {replace}, granular: {granular} }}"
                )
            } else {
                format!("Place::Type(Type({number}))")
            };
        }
        if let Some(items) = facts.get("items") {
            let mut item = items.clone();
            if retain_keys {
                item["patchStrategy"] = "retainKeys".into();
            }
            let keys = strings(&facts["listMapKeys"]);
            let kind = match facts["listType"].as_str() {
                Some("map") => format!("ListFacts::Map(&{keys:?})"),
                Some("set") => "ListFacts::Set".into(),
                _ => "ListFacts::Atomic".into(),
            };
            return format!(
                "Place::List {{ items: &{}, kind: {kind}, merge_key: {:?}, patch_merge: {} }}",
                self.place(&item, true),
                facts["mergeKey"].as_str(),
                strategy.contains("merge"),
            );
        }
        if let Some(values) = facts.get("map") {
            let atomic = facts["mapType"] == "atomic";
            return format!("Place::Map {{ values: &{}, atomic: {atomic} }}", self.place(values, false));
        }
        let format = facts["format"].as_str().unwrap_or("");
        let scalar = match (facts["type"].as_str(), format) {
            (Some("string"), "byte") => "Bytes",
            (Some("string"), _) => "String",
            (Some("integer"), _) => "Integer",
            (Some("number"), _) => "Number",
            (Some("boolean"), _) => "Boolean",
            other => panic!("a field of type {other:?}"),
        };
        format!("Place::Scalar(Scalar::{scalar}, {format:?}, &{:?})", strings(&facts["enum"]))
    }

    /// How the field travels in protobuf; for a list or map, how each item or value does.
    fn wire(&self, facts: &Value) -> &'static str {
        if let Some(name) = facts["ref"].as_str() {
            return WIRES.iter().find(|(type_name, _)| name.ends_with(type_name)).map_or("ByShape", |(_, wire)| wire);
        }
        if let Some(items) = facts.get("items") {
            return self.wire(items);
        }
        if let Some(values) = facts.get("map") {
            return if values.get("items").is_some() { "StringListMessage" } else { self.wire(values) };
        }
        match (facts["type"].as_str(), facts["format"].as_str()) {
            (_, Some("byte")) => "Bytes",
            (Some("integer"), Some("int32")) => "Int32",
            (Some("integer"), _) => "Int64",
            (Some("number"), _) => "Double",
            (Some("boolean"), _) => "Bool",
            _ => "ByShape",
        }
    }

    fn number(&self, name: &str) -> usize {
        *self.numbers.get(name).unwrap_or_else(|| panic!("types.json refers to `{name}`, which it does not hold"))
    }

    /// Kinds by group, version and kind, sorted for a binary search.
    fn write_kinds(&self, out: &mut String) {
        let mut kinds = Vec::new();
        for (name, facts) in &self.types {
            for kind in strings(&facts["kinds"]) {
                let (group, version, kind) = parse_kind(kind);
                kinds.push((group.to_string(), version.to_string(), kind.to_string(), self.number(name)));
            }
        }
        kinds.sort();
        writeln!(out, "pub(super) static KINDS: [KindFacts; {}] = [", kinds.len()).unwrap();
        for (group, version, kind, number) in kinds {
            writeln!(
                out,
                "KindFacts {{ group: {group:?}, version: {version:?}, kind: {kind:?}, of: Type({number}) }},"
            )
            .unwrap();
        }
        out.push_str("];\n");
    }

    fn kind(&self, group: &str, version: &str, kind: &str) -> Option<usize> {
        self.types.iter().find_map(|(name, facts)| {
            strings(&facts["kinds"])
                .into_iter()
                .any(|k| parse_kind(k) == (group, version, kind))
                .then(|| self.number(name))
        })
    }
}

/// What types and fields are, in words.
struct Descriptions(Map<String, Value>);

impl Descriptions {
    fn read(types: &BTreeMap<String, Value>) -> Self {
        let texts = read("descriptions.json");
        for (of, fields) in &texts {
            let named = |name: &&String| *name == of || short(name) == of;
            let known: Vec<&Value> = types.keys().filter(named).map(|name| &types[name]["fields"]).collect();
            assert!(of.is_empty() || !known.is_empty(), "descriptions.json tells of `{of}`, which is no type");
            let fields = fields.as_object().into_iter().flatten().map(|(field, _)| field);
            for field in fields.filter(|field| !of.is_empty() && !field.is_empty()) {
                assert!(
                    known.iter().any(|fields| fields.get(field).is_some()),
                    "descriptions.json tells of `{of}.{field}`, which is no field"
                );
            }
        }
        Self(texts)
    }

    fn of_type(&self, name: &str) -> Option<&str> {
        self.find(name, "").or_else(|| self.find(short(name), ""))
    }

    /// What it is in this type, or else what fields of its name are everywhere.
    fn of_field(&self, of: &str, field: &str) -> Option<&str> {
        let text = self.find(of, field).or_else(|| self.find(short(of), field)).or_else(|| self.find("", field));
        text.filter(|text| !text.is_empty())
    }

    fn find(&self, of: &str, field: &str) -> Option<&str> {
        self.0.get(of)?.get(field)?.as_str()
    }
}

/// `Pod` of `io.k8s.api.core.v1.Pod`.
fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Types whose JSON and protobuf forms are not a struct's.
fn special(name: &str) -> &'static str {
    match short(name) {
        "Quantity" => "Body::Scalar(Scalar::Quantity, \"\")",
        "IntOrString" => "Body::Scalar(Scalar::IntOrString, \"int-or-string\")",
        "Time" | "MicroTime" => "Body::Scalar(Scalar::String, \"date-time\")",
        "CustomResourceSubresourceStatus" | "Patch" => "Body::Struct(&[])",
        "RawExtension" | "FieldsV1" => "Body::Any { object: true }",
        _ => "Body::Any { object: false }",
    }
}

/// What upstream keeps as raw bytes.
const RAW_EXTENSION: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";

/// Types with a protobuf form of their own, by the end of their name.
const WIRES: &[(&str, &str)] = &[
    (".resource.Quantity", "Quantity"),
    (".intstr.IntOrString", "IntOrString"),
    (".v1.Time", "Time"),
    (".v1.MicroTime", "MicroTime"),
    (".v1.FieldsV1", "FieldsV1"),
    (".v1.JSON", "RawJson"),
    (".runtime.RawExtension", "RawExtension"),
    (".v1.JSONSchemaPropsOrArray", "SchemaOrArray"),
    (".v1.JSONSchemaPropsOrBool", "SchemaOrBool"),
    (".v1.JSONSchemaPropsOrStringArray", "SchemaOrStringArray"),
];

fn write_resources(types: &Types, out: &mut String) {
    let resources = read_list("resources.json");
    let columns = read("columns.json");
    let column_descriptions = read("column-descriptions.json");
    let selectors = read("field-selectors.json");
    writeln!(out, "pub(super) static RESOURCES: [ResourceFacts; {}] = [", resources.len()).unwrap();
    for facts in &resources {
        let text = |key: &str| facts[key].as_str().unwrap_or("").to_string();
        let (group, version, resource) = (text("group"), text("version"), text("resource"));
        let kind = facts["responseKind"]["kind"].as_str().expect("a resource has a kind");
        let number =
            types.kind(&group, &version, kind).unwrap_or_else(|| panic!("no type for {group}/{version} {kind}"));
        let key = format!("{}/{version} {resource}", if group.is_empty() { "core" } else { &group });
        write!(
            out,
            "ResourceFacts {{ group: {group:?}, version: {version:?}, resource: {resource:?}, kind: {kind:?}, \
             singular: {:?}, namespaced: {}, verbs: &{:?}, short_names: &{:?}, categories: &{:?}, of: Type({number}), \
             subresources: &[",
            text("singularResource"),
            facts["scope"] == "Namespaced",
            strings(&facts["verbs"]),
            strings(&facts["shortNames"]),
            strings(&facts["categories"]),
        )
        .unwrap();
        for sub in facts["subresources"].as_array().into_iter().flatten() {
            let of = &sub["responseKind"];
            // An empty version means the resource's own group and version.
            let own = of["version"] == "";
            write!(
                out,
                "SubresourceFacts {{ name: {:?}, group: {:?}, version: {:?}, kind: {:?}, verbs: &{:?} }}, ",
                sub["subresource"].as_str().unwrap_or(""),
                if own { &group } else { of["group"].as_str().unwrap_or("") },
                if own { &version } else { of["version"].as_str().unwrap_or("") },
                of["kind"].as_str().unwrap_or(""),
                strings(&sub["verbs"]),
            )
            .unwrap();
        }
        out.push_str("], columns: &[");
        for column in columns.get(&key).and_then(Value::as_array).into_iter().flatten() {
            let name = column[0].as_str().unwrap_or("");
            // Whether of this resource or of every other one.
            let mut described = [&*key, ""].into_iter().filter_map(|of| column_descriptions.get(of)?[name].as_str());
            let description = described.next().unwrap_or_else(|| panic!("column {name} of {key} has no description"));
            write!(
                out,
                "ColumnFacts {{ name: {:?}, kind: {:?}, format: {:?}, description: {description:?}, priority: {} }}, ",
                name,
                column[1].as_str().unwrap_or(""),
                column[2].as_str().unwrap_or(""),
                column[3],
            )
            .unwrap();
        }
        // A remark may follow the name in parentheses.
        let selectable: Vec<&str> = selectors
            .get(&key)
            .map(strings)
            .unwrap_or_default()
            .into_iter()
            .map(|name| name.split(' ').next().unwrap_or(name))
            .collect();
        writeln!(out, "], selectable: &{selectable:?} }},").unwrap();
    }
    out.push_str("];\n");
}

/// `core/v1 Pod` as group, version and kind.
fn parse_kind(text: &str) -> (&str, &str, &str) {
    let (group_version, kind) = text.split_once(' ').expect("a kind stands after its group and version");
    let (group, version) = group_version.split_once('/').expect("a group and a version");
    (if group == "core" { "" } else { group }, version, kind)
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn numbers(value: &Value) -> Vec<u64> {
    value.as_array().into_iter().flatten().filter_map(Value::as_u64).collect()
}

fn read_text(file: &str) -> String {
    let path =
        Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR")).join("data").join(file);
    println!("cargo::rerun-if-changed={}", path.display());
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("`{}` cannot be read: {error}", path.display()))
}

fn read(file: &str) -> Map<String, Value> {
    serde_json::from_str(&read_text(file)).unwrap_or_else(|error| panic!("`data/{file}` is not valid: {error}"))
}

fn read_list(file: &str) -> Vec<Value> {
    serde_json::from_str(&read_text(file)).unwrap_or_else(|error| panic!("`data/{file}` is not valid: {error}"))
}
