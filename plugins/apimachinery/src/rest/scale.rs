//! The `scale` subresource: how many there should be of what an object runs, as
//! `autoscaling/v1` `Scale`.

use plugin_sdk::Answer;

use super::body::Expected;
use super::clock;
use super::list::parse_version;
use super::object::{meta, metadata_mut, set_meta};
use super::options::{Write, WriteOptions};
use super::patch::{ATTEMPTS, Applied, Kind};
use super::registry::{Change, Registry, Stored, Written, served};
use super::request::Request;
use crate::codec;
use crate::definition::{Cell, Column, Definition, ScalePaths, Subresource};
use crate::managed::{self, Manager, Set, Versions};
use crate::schema::{Schema, builtin};
use crate::status::{ApiError, FieldError};
use crate::tree::{Map, Text, Value, json};

const SCALE_VERSION: &str = "autoscaling/v1";
const SCALE_TYPE: &str = "io.k8s.api.autoscaling.v1.Scale";
/// What upstream puts into the scale of a custom resource that does not say how many.
const NO_REPLICAS: i64 = i32::MIN as i64;

impl Request<'_> {
    pub(super) async fn scale(&self, subresource: &Subresource, verb: &str) -> Result<Answer, ApiError> {
        let Some(paths) = &subresource.scale else { return Err(ApiError::unknown_resource()) };
        self.wanted()?;
        if verb == "get" {
            parse_version(&self.query.text("resourceVersion")).map_err(|why| ApiError::new(500, "", why))?;
            let registry = self.registry("", false);
            let Stored { value, .. } = registry.get(self.namespace(), self.name()).await?;
            if !self.definition.builtin && at(&value, &paths.spec_replicas).is_none_or(Value::is_null) {
                let path = paths.spec_replicas.join(".");
                return Err(ApiError::internal(format!("the spec replicas field \".{path}\" does not exist")));
            }
            return self.show_scale(scale_of(&value, paths));
        }
        let expected = Expected {
            group: "autoscaling",
            version: "v1",
            kind: "Scale",
            schema: builtin::schema(SCALE_TYPE),
            older: "",
            builtin: true,
            tells_empty: false,
        };
        if verb == "update" {
            let options = WriteOptions::read(&self.query, Write::Update)?;
            let read = self.read_object(&expected, options.field_validation).await;
            let scale = read.map_err(|error| self.of_no_scale(error))?;
            self.check_name(&scale)?;
            self.check_path_name()?;
            return self.rescale(paths, &options, None, &mut |_| Ok(scale.clone())).await;
        }
        let (kind, options, body) = self.read_patch(self.definition.builtin).await?;
        if matches!(kind, Kind::Apply) {
            return self.apply_scale(paths, &options, &body, expected.schema).await;
        }
        self.rescale(paths, &options, Some(ATTEMPTS), &mut |old| {
            let scale = self.patched(kind, old, &body, &expected, options.field_validation)?;
            self.check_name(&scale)?;
            Ok(scale)
        })
        .await
    }

    /// A scale in the form that the client wants.
    fn show_scale(&self, scale: Value) -> Result<Answer, ApiError> {
        let builtin = self.definition.builtin;
        let column = |name: &str, kind: &str, format: &str, cell: Cell, description: &'static str| Column {
            name: name.into(),
            kind: kind.into(),
            format: format.into(),
            description: description.into(),
            priority: 0,
            cell,
        };
        let path = |path: &str| Cell::Path(path.into());
        // Custom resources find all cells by paths, and say of what kind those are.
        let ((format, name), (kind, age)) = match builtin {
            true => (("", Cell::Builtin), ("string", Cell::Builtin)),
            false => (("name", path(".metadata.name")), ("date", path(".metadata.creationTimestamp"))),
        };
        let desired = ".spec.replicas".into();
        let desired = if builtin { Cell::Number(desired) } else { Cell::Path(desired) };
        let columns = vec![
            column("Name", "string", format, name, "Whose scale it is"),
            column("Desired", "integer", "", desired, "How many there should be"),
            column("Available", "integer", "", path(".status.replicas"), "How many there are"),
            column("Age", kind, "", age, "The time since it was made"),
        ];
        self.answer_tree_of(&Definition::of_rows("autoscaling", "v1", "scales", columns), 200, scale)
    }

    /// Upstream has no words of its own for what is no scale of a custom resource.
    fn of_no_scale(&self, error: ApiError) -> ApiError {
        match !self.definition.builtin && error.message.contains("cannot be handled as a Scale: ") {
            true => ApiError::bad_request(
                "no kind is registered for the type v1.Scale in scheme \"pkg/runtime/scheme.go:111\"",
            ),
            false => error,
        }
    }

    /// Applies a scale to those who own the replicas of the object.
    async fn apply_scale(
        &self,
        paths: &ScalePaths,
        options: &WriteOptions,
        body: &[u8],
        schema: &Schema,
    ) -> Result<Answer, ApiError> {
        let name = self.manager(&options.field_manager);
        let who = self.scaler(&name);
        let replicas: Vec<&str> = paths.spec_replicas.iter().map(|part| &**part).collect();
        let own_version = self.definition.api_version();
        let registry = Registry { applied: true, ..self.registry(&name, options.dry_run) };
        let change = Change { creates: false, attempts: Some(ATTEMPTS), same_uid: false };
        let outcome = registry
            .update(self.namespace(), self.name(), &change, &mut |old| {
                let Some(old) = old else { return Err(ApiError::not_found(self.definition, self.name())) };
                let mut scale = scale_of(old, paths);
                managed::to_scale(old, &replicas, &mut scale).map_err(ApiError::internal)?;
                let applied = Applied::read(body, SCALE_VERSION, "Scale")?;
                let patch = &applied.patch;
                let builtin = self.definition.builtin;
                if !builtin && scale["metadata"]["managedFields"].as_array().is_none_or(Vec::is_empty) {
                    return Err(not_applied("failed to create manager for existing fields: ", "live", &Value::Null));
                }
                let (scale, changed) =
                    managed::apply(Versions::alone(schema), Some(&scale), patch, &who, options.force, &Set::default())?;
                if changed && !builtin {
                    return Err(not_applied("", "new", patch));
                }
                self.tell_of(&applied, options.field_validation)?;
                self.check_name(&scale)?;
                check(&scale)?;
                let mut object = rescaled(old, &scale, paths);
                managed::from_scale(&scale, &replicas, &own_version, &mut object).map_err(ApiError::internal)?;
                Ok(object)
            })
            .await?;
        self.answer_scale(outcome.written, paths)
    }

    /// Sets the replicas to those of the scale that `next` makes of the present one.
    async fn rescale(
        &self,
        paths: &ScalePaths,
        options: &WriteOptions,
        attempts: Option<u32>,
        next: &mut dyn FnMut(&Value) -> Result<Value, ApiError>,
    ) -> Result<Answer, ApiError> {
        let name = self.manager(&options.field_manager);
        let who = self.scaler(&name);
        let replicas: Vec<&str> = paths.spec_replicas.iter().map(|part| &**part).collect();
        let (own_version, builtin) = (self.definition.api_version(), self.definition.builtin);
        let schema = builtin::schema(SCALE_TYPE);
        let registry = Registry { applied: true, ..self.registry(&name, options.dry_run) };
        let change = Change { creates: false, attempts, same_uid: attempts.is_none() };
        let outcome = registry
            .update(self.namespace(), self.name(), &change, &mut |old| {
                let Some(old) = old else { return Err(ApiError::not_found(self.definition, self.name())) };
                let mut before = scale_of(old, paths);
                if !builtin && at(old, &paths.spec_replicas).is_none() {
                    before["spec"]["replicas"] = NO_REPLICAS.into();
                }
                managed::to_scale(old, &replicas, &mut before).map_err(ApiError::internal)?;
                let mut scale = next(&before)?;
                self.check_scale(&mut scale, old, paths, &change)?;
                managed::update(Versions::alone(schema), Some(&before), &mut scale, &who, &Set::default());
                let mut object = rescaled(old, &scale, paths);
                managed::from_scale(&scale, &replicas, &own_version, &mut object).map_err(ApiError::internal)?;
                Ok(object)
            })
            .await?;
        self.answer_scale(outcome.written, paths)
    }

    fn scaler(&self, name: &str) -> Manager {
        Manager {
            name: name.to_string(),
            subresource: self.summary.subresource().to_string(),
            api_version: SCALE_VERSION.into(),
            time: clock::now(),
        }
    }

    /// What is wrong with a scale. Those of custom resources are mostly the definition's to check.
    fn check_scale(&self, scale: &mut Value, old: &Value, paths: &ScalePaths, change: &Change) -> Result<(), ApiError> {
        let patched = !change.same_uid;
        if self.definition.builtin {
            let (uid, own) = (meta(scale, "uid"), meta(old, "uid"));
            let is_another = !uid.is_empty() && uid != own;
            // That is found before anything else is looked at.
            if is_another && change.same_uid {
                return Ok(());
            }
            check(scale)?;
            if is_another {
                let Definition { resource, group, .. } = self.definition;
                let of = Definition::of_rows(group, "", &format!("{resource}/scale"), Vec::new());
                let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {own}");
                return Err(ApiError::conflict(&of, self.name(), why));
            }
        } else if scale["spec"]["replicas"] == NO_REPLICAS {
            let path = paths.spec_replicas.join(".");
            return Err(ApiError::bad_request(format!("the spec replicas field \".{path}\" cannot be empty")));
        } else if patched {
            set_meta(scale, "uid", "");
        }
        if scale["spec"]["replicas"] == 0
            && let Some(spec) = scale["spec"].as_object_mut()
        {
            spec.remove("replicas");
        }
        Ok(())
    }

    fn answer_scale(&self, written: Written, paths: &ScalePaths) -> Result<Answer, ApiError> {
        let object = match written {
            Written::Tree(tree) => tree,
            Written::Object(object) => {
                let stored =
                    codec::json::decode_stored(&object.value(), &self.definition.schema).map_err(ApiError::internal)?;
                served(self.definition, stored)
            }
        };
        self.show_scale(scale_of(&object, paths))
    }
}

/// Upstream cannot convert what an apply makes of a custom resource's scale.
fn not_applied(before: &str, which: &str, patch: &Value) -> ApiError {
    let (namespace, name) = (meta(patch, "namespace"), meta(patch, "name"));
    let why = format!(
        "{before}failed to convert {which} object ({namespace}/{name}; {SCALE_VERSION}, Kind=Scale) to proper version: request to \
         convert CR to an invalid group/version: {SCALE_VERSION}"
    );
    ApiError::new(500, "", why)
}

/// The scale of an object.
fn scale_of(object: &Value, paths: &ScalePaths) -> Value {
    let mut metadata = Map::new();
    for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object["metadata"].get(key) {
            metadata.insert(key, value.clone());
        }
    }
    let mut spec = Map::new();
    if let Some(replicas) = at(object, &paths.spec_replicas).and_then(Value::as_i64).filter(|replicas| *replicas != 0) {
        spec.insert("replicas", replicas.into());
    }
    let mut status = Map::new();
    let replicas = at(object, &paths.status_replicas).and_then(Value::as_i64).unwrap_or(0);
    status.insert("replicas", replicas.into());
    let selector = paths.label_selector.as_ref().and_then(|path| at(object, path));
    if let Some(selector) = selector.map(selector_text).filter(|text| !text.is_empty()) {
        status.insert("selector", selector.into());
    }
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status})
}

/// The object with the replicas of a scale, and what the scale says of the object's identity.
fn rescaled(old: &Value, scale: &Value, paths: &ScalePaths) -> Value {
    let mut object = old.clone();
    let replicas = scale["spec"]["replicas"].as_i64().unwrap_or(0);
    set(&mut object, &paths.spec_replicas, replicas.into());
    let metadata = metadata_mut(&mut object);
    for key in ["uid", "resourceVersion"] {
        let said = meta(scale, key);
        if !said.is_empty() {
            metadata.insert(key, said.into());
        }
    }
    object
}

fn check(scale: &Value) -> Result<(), ApiError> {
    let replicas = &scale["spec"]["replicas"];
    if replicas.as_i64().unwrap_or(0) < 0 {
        let error = FieldError::invalid("spec.replicas", replicas, "must be greater than or equal to 0");
        return Err(ApiError::invalid("autoscaling", "Scale", meta(scale, "name"), &[error]));
    }
    Ok(())
}

fn at<'a>(object: &'a Value, path: &[Box<str>]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, key| value.get(&**key))
}

fn set(object: &mut Value, path: &[Box<str>], value: Value) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut place = object;
    for key in parents {
        if !place[&**key].is_object() {
            place[&**key] = json!({});
        }
        place = &mut place[&**key];
    }
    place[&**last] = value;
}

/// A selector as text: custom resources keep it so, built-in types as a map or in full.
fn selector_text(selector: &Value) -> String {
    if let Some(text) = selector.as_str() {
        return text.to_string();
    }
    let structured = selector.get("matchLabels").is_some() || selector.get("matchExpressions").is_some();
    let labels = if structured { &selector["matchLabels"] } else { selector };
    let mut parts: Vec<(Text, String)> = labels
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), format!("{key}={}", value.as_str().unwrap_or_default())))
        .collect();
    for expression in selector["matchExpressions"].as_array().into_iter().flatten().filter(|_| structured) {
        let key = expression["key"].as_str().unwrap_or_default();
        let mut values: Vec<&str> =
            expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        parts.push((
            key.into(),
            match expression["operator"].as_str().unwrap_or_default() {
                "In" => format!("{key} in ({values})"),
                "NotIn" => format!("{key} notin ({values})"),
                "DoesNotExist" => format!("!{key}"),
                _ => key.to_string(),
            },
        ));
    }
    parts.sort();
    parts.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths() -> ScalePaths {
        let path = |text: &str| text.split('.').map(Box::from).collect();
        ScalePaths {
            spec_replicas: path("spec.replicas"),
            status_replicas: path("status.replicas"),
            label_selector: Some(path("spec.selector")),
        }
    }

    #[test]
    fn a_scale_shows_what_the_object_has() {
        let object = json!({
            "metadata": {"name": "d", "labels": {}, "uid": "u"},
            "spec": {"replicas": 2, "selector": {
                "matchLabels": {"b": "1", "a": "2"},
                "matchExpressions": [{"key": "c", "operator": "In", "values": ["y", "x"]}],
            }},
        });
        let scale = scale_of(&object, &paths());
        assert_eq!(scale["metadata"], json!({"name": "d", "uid": "u"}));
        assert_eq!(scale["spec"], json!({"replicas": 2}));
        assert_eq!(scale["status"], json!({"replicas": 0, "selector": "a=2,b=1,c in (x,y)"}));
    }

    #[test]
    fn rescaling_changes_the_replicas_alone() {
        let old = json!({"metadata": {"name": "d", "resourceVersion": "5"}, "spec": {"replicas": 2, "x": 1}});
        let scale = json!({"metadata": {"name": "d"}, "spec": {"replicas": 7}});
        let object = rescaled(&old, &scale, &paths());
        assert_eq!(object, json!({"metadata": {"name": "d", "resourceVersion": "5"}, "spec": {"replicas": 7, "x": 1}}));
    }
}
