//! From OpenAPI to the model.

use std::sync::Arc;

use super::props::{Additional, Props};
use crate::cel;
use crate::schema::pattern::Pattern;
use crate::schema::validate::formats;
use crate::schema::{Field, List, ListKind, Native, Object, Rules, Scalar, Schema, SchemaRef, Shape, Wire, builtin};
use crate::tree::Value;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// The model of a schema that [`super::check`] accepts.
pub fn from_openapi(schema: &Value) -> Schema {
    convert(Props::new(schema))
}

/// As [`from_openapi`], for the schema of a whole resource: `apiVersion`, `kind` and
/// `metadata` are there whether or not the author wrote them.
pub fn resource_from_openapi(schema: &Value) -> Schema {
    let mut model = convert(Props::new(schema));
    model.openapi = Some(Arc::new(schema.clone()));
    model.validations = cel::Rules::of(schema, true);
    with_type_and_object_meta(&mut model);
    model
}

/// Why a schema cannot be converted at all.
pub(super) fn unsupported(props: Props<'_>) -> Option<String> {
    let mut why = None;
    props.any(&mut |props| {
        let filled = |key: &str| !props.text(key).is_empty();
        let some = |key: &str| props.named(key).next().is_some();
        let keyword = if filled("id") {
            "id"
        } else if filled("$schema") {
            "schema"
        } else if filled("$ref") {
            "$ref"
        } else if some("patternProperties") {
            "patternProperties"
        } else if some("dependencies") {
            "dependencies"
        } else if props.has("additionalItems") {
            "additionalItems"
        } else if some("definitions") {
            "definitions"
        } else if !props.list("items").is_empty() {
            why = Some("OpenAPIV3Schema 'items' must be a schema, but is an array".to_string());
            return true;
        } else if props.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(false)) {
            why = Some("internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined".to_string());
            return true;
        } else {
            return false;
        };
        why = Some(format!("OpenAPIV3Schema '{keyword}' is not supported"));
        true
    });
    why
}

/// Whether values are checked against this format.
pub(super) fn format_is_checked(kind: &str, format: &str) -> bool {
    match kind {
        "" | "string" => formats::is_known(format),
        "integer" => matches!(format, "int32" | "int64"),
        "number" => matches!(format, "float" | "double"),
        _ => false,
    }
}

fn convert(props: Props<'_>) -> Schema {
    let mut schema = Schema {
        shape: shape(props),
        nullable: props.flag("nullable"),
        default: props.get("default").cloned(),
        preserve_unknown: props.preserves_unknown(),
        embedded_resource: props.is_embedded_resource(),
        rules: rules(props),
        description: props.maybe("description").map(Box::from),
        openapi: None,
        validations: None,
        has_validations: false,
    };
    if schema.embedded_resource {
        with_type_and_object_meta(&mut schema);
    }
    if props.has("x-kubernetes-validations") {
        schema.validations = cel::Rules::of(&props.to_value(), schema.embedded_resource);
    }
    schema.has_validations = schema.validations.is_some() || parts(&schema).any(|part| part.has_validations);
    schema
}

fn parts(schema: &Schema) -> impl Iterator<Item = &Schema> {
    let (fields, values, items) = match &schema.shape {
        Shape::Object(object) => (&object.fields[..], object.values.as_deref(), None),
        Shape::List(list) => (&[][..], None, Some(&*list.items)),
        _ => (&[][..], None, None),
    };
    fields.iter().map(|field| &*field.schema).chain(values).chain(items)
}

fn shape(props: Props<'_>) -> Shape {
    if props.is_int_or_string() {
        return Shape::Scalar(Scalar::IntOrString);
    }
    match props.kind() {
        "object" => Shape::Object(object(props)),
        "array" => Shape::List(list(props)),
        "string" => Shape::Scalar(Scalar::String),
        "integer" => Shape::Scalar(Scalar::Integer),
        "number" => Shape::Scalar(Scalar::Number),
        "boolean" => Shape::Scalar(Scalar::Boolean),
        _ if props.has("properties") || props.has("additionalProperties") => Shape::Object(object(props)),
        _ if props.has("items") => Shape::List(list(props)),
        _ => Shape::Any,
    }
}

fn object(props: Props<'_>) -> Object {
    let required: Vec<&str> = props.texts("required").collect();
    let fields = props.named("properties").map(|(name, schema)| Field {
        name: name.into(),
        schema: SchemaRef::Inline(Arc::new(convert(schema))),
        required: required.contains(&name),
        when_unset: None,
        number: 0,
        wire: Wire::ByShape,
        native: Native::default(),
    });
    let values = match props.additional() {
        Some(Additional::Schema(schema)) => Some(convert(schema)),
        // Any key is kept, but nothing says what is inside of a value.
        Some(Additional::Allowed(true)) => Some(Schema {
            shape: Shape::Object(Object::default()),
            nullable: true,
            rules: Rules { untyped: true, ..Rules::default() },
            ..Schema::default()
        }),
        _ => None,
    };
    Object {
        fields: fields.collect(),
        values: values.map(|values| SchemaRef::Inline(Arc::new(values))),
        atomic: props.maybe("x-kubernetes-map-type") == Some("atomic"),
        ..Object::default()
    }
}

fn list(props: Props<'_>) -> List {
    let items = props.schema("items").map(convert).unwrap_or_default();
    let kind = match props.maybe("x-kubernetes-list-type") {
        Some("set") => ListKind::Set,
        Some("map") => ListKind::Map { keys: props.texts("x-kubernetes-list-map-keys").map(Box::from).collect() },
        _ => ListKind::Atomic,
    };
    List { items: SchemaRef::Inline(Arc::new(items)), kind, merge_key: None, patch_merge: false }
}

fn rules(props: Props<'_>) -> Rules {
    let all = |key: &str| props.schemas(key).map(|schema| SchemaRef::Inline(Arc::new(convert(schema)))).collect();
    let pattern = props.text("pattern");
    let format = props.text("format");
    Rules {
        untyped: props.kind().is_empty() && !props.is_int_or_string(),
        closed: matches!(props.additional(), Some(Additional::Allowed(false))),
        format: format_is_checked(props.kind(), format).then(|| format.into()),
        enumeration: props.list("enum").to_vec(),
        minimum: props.number("minimum"),
        maximum: props.number("maximum"),
        exclusive_minimum: props.flag("exclusiveMinimum"),
        exclusive_maximum: props.flag("exclusiveMaximum"),
        multiple_of: props.number("multipleOf"),
        min_length: props.count("minLength"),
        max_length: props.count("maxLength"),
        pattern: (!pattern.is_empty()).then(|| Pattern::new(pattern)),
        min_items: props.count("minItems"),
        max_items: props.count("maxItems"),
        unique_items: props.flag("uniqueItems"),
        min_properties: props.count("minProperties"),
        max_properties: props.count("maxProperties"),
        all_of: all("allOf"),
        any_of: all("anyOf"),
        one_of: all("oneOf"),
        not: props.schema("not").map(|schema| SchemaRef::Inline(Arc::new(convert(schema)))),
        required: props.texts("required").map(Box::from).collect(),
    }
}

/// Puts `apiVersion`, `kind` and the built-in `metadata` first. The author's schema of them
/// may only restrict; its rules are kept.
fn with_type_and_object_meta(schema: &mut Schema) {
    let Shape::Object(object) = &mut schema.shape else { return };
    let mut fields = std::mem::take(&mut object.fields).into_vec();
    let mut meta = Vec::with_capacity(fields.len() + 3);
    for name in ["apiVersion", "kind", "metadata"] {
        let written = fields.iter().position(|field| &*field.name == name).map(|at| fields.remove(at));
        let schema = match (name, &written) {
            ("metadata", Some(field)) => SchemaRef::Inline(Arc::new(restricted_metadata(&field.schema))),
            ("metadata", None) => object_meta(),
            (_, Some(field)) => field.schema.clone(),
            (_, None) => {
                let string = Schema { shape: Shape::Scalar(Scalar::String), ..Schema::default() };
                SchemaRef::Inline(Arc::new(string))
            }
        };
        let required = written.is_some_and(|field| field.required);
        meta.push(Field {
            name: name.into(),
            schema,
            required,
            when_unset: None,
            number: 0,
            wire: Wire::ByShape,
            native: Native::default(),
        });
    }
    meta.append(&mut fields);
    object.fields = meta.into();
}

fn object_meta() -> SchemaRef {
    match builtin::Type::find(OBJECT_META) {
        Some(found) => SchemaRef::Builtin(found),
        None => SchemaRef::Inline(Arc::default()),
    }
}

/// The built-in object metadata with the author's rules on its fields.
fn restricted_metadata(written: &Schema) -> Schema {
    let mut metadata = Schema::clone(&object_meta());
    metadata.description.clone_from(&written.description);
    metadata.rules = written.rules.clone();
    metadata.rules.untyped = false;
    if let (Shape::Object(object), Shape::Object(written)) = (&mut metadata.shape, &written.shape) {
        let restricted = |mut field: Field| {
            if let Some(restriction) = written.fields.get(&field.name) {
                let mut schema = Schema::clone(&field.schema);
                schema.rules = restriction.schema.rules.clone();
                field.schema = SchemaRef::Inline(Arc::new(schema));
            }
            field
        };
        object.fields = std::mem::take(&mut object.fields).into_vec().into_iter().map(restricted).collect();
    }
    metadata
}
