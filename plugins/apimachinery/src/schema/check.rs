//! Whether a decoded tree fits its schema: unknown fields and values of a wrong type, said in
//! the words of Go's decoder.

use super::{Schema, Shape, builtin, defaults};
use crate::codec::Path;
use crate::tree::Value;

mod restore;
mod types;

pub use restore::restore;
pub use types::types;

/// The paths of fields that the schema does not know (`spec.x`), which are left out if `prune`.
pub fn unknown_fields(schema: &Schema, value: &mut Value, prune: bool) -> Vec<String> {
    let mut search = Search { prune, ..Search::default() };
    search.visit(schema, value, &Path::Root);
    search.found.append(&mut search.of_embedded);
    search.found
}

/// The same for a custom resource, which leaves them out. Upstream looks at its metadata first, then at
/// what its schema says, and at last at the metadata of objects inside of it.
pub fn unknown_in_custom(schema: &Schema, value: &mut Value) -> Vec<String> {
    let mut search = Search { prune: true, ..Search::default() };
    search.visit(schema, value, &Path::Root);
    let (mut all, mut pruned): (Vec<String>, _) =
        search.found.into_iter().partition(|path| path.starts_with("metadata."));
    for part in [&mut pruned, &mut search.of_embedded] {
        part.sort_unstable();
    }
    all.sort_unstable();
    all.append(&mut pruned);
    all.append(&mut search.of_embedded);
    all
}

/// Leaves what the schema of a custom resource knows, and no nulls that are no values by it.
pub fn prune(schema: &Schema, value: &mut Value) {
    unknown_fields(schema, value, true);
    defaults::drop_nulls(schema, value);
}

#[derive(Default)]
struct Search {
    prune: bool,
    found: Vec<String>,
    /// The same in the metadata of embedded objects, in which it is.
    of_embedded: Vec<String>,
    in_embedded: bool,
}

impl Search {
    fn visit(&mut self, schema: &Schema, value: &mut Value, path: &Path<'_>) {
        match (&schema.shape, value) {
            (Shape::Object(_), Value::Object(members)) => {
                let (mut any_unknown, is_root) = (false, matches!(path, Path::Root));
                for (name, value) in members.iter_mut() {
                    let path = path.key(name);
                    match member(schema, name) {
                        Some(member) if name == "metadata" && schema.embedded_resource && !is_root => {
                            let around = std::mem::replace(&mut self.in_embedded, true);
                            self.visit(member, value, &path);
                            self.in_embedded = around;
                        }
                        Some(member) => self.visit(member, value, &path),
                        None if schema.preserve_unknown => {}
                        None => {
                            any_unknown = true;
                            self.note(path.to_string());
                        }
                    }
                }
                if any_unknown && self.prune {
                    members.retain(|name, _| member(schema, name).is_some());
                }
            }
            (Shape::List(list), Value::Array(items)) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.visit(&list.items, item, &path.index(index));
                }
            }
            (Shape::Any, _) => {}
            (_, value) if !schema.preserve_unknown => self.misplaced(value, path),
            _ => {}
        }
    }

    fn note(&mut self, path: String) {
        let place = if self.in_embedded { &mut self.of_embedded } else { &mut self.found };
        place.push(path);
    }

    /// Where the schema has something else, it knows no field of an object.
    fn misplaced(&mut self, value: &mut Value, path: &Path<'_>) {
        match value {
            Value::Object(members) => {
                members.keys().for_each(|name| self.note(path.key(name).to_string()));
                if self.prune {
                    members.clear();
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.misplaced(item, &path.index(index));
                }
            }
            _ => {}
        }
    }
}

/// A member's schema; an embedded object has its kind, version and metadata without saying so.
fn member<'a>(schema: &'a Schema, name: &str) -> Option<&'a Schema> {
    schema.member(name).or_else(|| match name {
        "kind" | "apiVersion" if schema.embedded_resource => named(OBJECT_META).and_then(|meta| meta.member("name")),
        "metadata" if schema.embedded_resource => named(OBJECT_META),
        _ => None,
    })
}

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

fn named(name: &str) -> Option<&'static Schema> {
    builtin::Type::find(name).map(builtin::Type::schema)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Field, Object, SchemaRef};
    use crate::tree::json;

    #[test]
    fn unknown_fields_are_found_and_pruned() {
        let pod = builtin::schema("io.k8s.api.core.v1.Pod");
        let mut value =
            json!({"a": 1, "spec": {"containers": [{"name": "a"}, {"b": {}}], "nodeSelector": {"any": "x"}}});
        assert_eq!(unknown_fields(pod, &mut value, false), ["a", "spec.containers[1].b"]);
        assert_eq!(value["a"], 1);
        unknown_fields(pod, &mut value, true);
        assert_eq!(value, json!({"spec": {"containers": [{"name": "a"}, {}], "nodeSelector": {"any": "x"}}}));
    }

    #[test]
    fn no_field_is_known_where_the_schema_has_something_else() {
        let spec = builtin::schema("io.k8s.api.core.v1.PodSpec");
        let mut value = json!({"containers": {"a": 1}, "securityContext": [{"b": 1}, "c"], "hostname": {"d": 1}});
        let unknown = ["containers.a", "securityContext[0].b", "hostname.d"];
        assert_eq!(unknown_fields(spec, &mut value, true), unknown);
        assert_eq!(value, json!({"containers": {}, "securityContext": [{}, "c"], "hostname": {}}));
    }

    #[test]
    fn fields_are_kept_where_the_schema_says_so() {
        let known = Field {
            name: "known".into(),
            schema: SchemaRef::builtin("io.k8s.api.core.v1.LocalObjectReference"),
            required: false,
            when_unset: None,
            number: 0,
            wire: crate::schema::Wire::ByShape,
            native: crate::schema::Native::default(),
        };
        let schema = Schema {
            shape: Shape::Object(Object { fields: vec![known].into(), ..Object::default() }),
            preserve_unknown: true,
            ..Schema::default()
        };
        let mut value = json!({"x": {"y": 1}, "known": {"name": "a", "z": 1}});
        assert_eq!(unknown_fields(&schema, &mut value, true), ["known.z"]);
        assert_eq!(value, json!({"x": {"y": 1}, "known": {"name": "a"}}));
    }

    #[test]
    fn embedded_objects_have_metadata() {
        let schema = Schema { shape: Shape::Object(Object::default()), embedded_resource: true, ..Schema::default() };
        let mut value = json!({"kind": "A", "apiVersion": "v1", "metadata": {"name": "a", "x": 1}, "spec": {}});
        assert_eq!(unknown_fields(&schema, &mut value, true), ["metadata.x", "spec"]);
    }
}
