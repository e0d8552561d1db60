//! Lists and maps that are sent empty. Upstream's structs tell them from those that are not sent,
//! and so do its validation and what it shows of them; neither its JSON nor its store does.

use crate::tree::{Map, Text, Value};

use super::{Field, ListKind, Schema, Shape};

/// What was empty in an object, by its way there.
#[derive(Debug, Default)]
pub struct Empties(Vec<(Vec<Step>, Value)>);

#[derive(Debug, Clone)]
enum Step {
    Key(Text),
    Item(usize),
}

impl Empties {
    /// Takes out of a built-in object what is written only if it has something in it, and notes
    /// what is written in another way then.
    pub fn take(schema: &Schema, object: &mut Value) -> Self {
        let mut taken = Vec::new();
        // Most objects have nothing of the kind, and to see that takes no schema.
        if has_empty(object) {
            visit(schema, object, &mut Vec::new(), &mut taken);
        }
        Self(taken)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether something of what somebody desires was sent empty.
    pub fn is_desired(&self) -> bool {
        let undesired = |step: &Step| matches!(step, Step::Key(key) if matches!(key.as_str(), "metadata" | "status"));
        self.0.iter().any(|(path, _)| path.first().is_some_and(|first| !undesired(first)))
    }

    /// Puts back what has a place still.
    pub fn put_back(&self, object: &mut Value) {
        self.put_back_where(object, |_| true);
    }

    /// Puts back what is in lists that are owned as a whole, which upstream compares to the last bit.
    pub fn put_back_in_leaves(&self, schema: &Schema, object: &mut Value) {
        self.put_back_where(object, |path| is_within_leaf(schema, path));
    }

    fn put_back_where(&self, object: &mut Value, wanted: impl Fn(&[Step]) -> bool) {
        for (path, empty) in self.0.iter().filter(|(path, _)| wanted(path)) {
            let Some((Step::Key(key), parents)) = path.split_last() else { continue };
            let parent = parents.iter().try_fold(&mut *object, |at, step| match step {
                Step::Key(key) => at.get_mut(key),
                Step::Item(index) => at.get_mut(index),
            });
            if let Some(Value::Object(parent)) = parent
                && parent.get(key).is_none_or(Value::is_null)
            {
                parent.insert(key.clone(), empty.clone());
            }
        }
    }
}

/// Whether the way leads through a list that is owned as a whole.
fn is_within_leaf(schema: &Schema, path: &[Step]) -> bool {
    let mut place = Some(schema);
    for step in path {
        let Some(schema) = place else { return false };
        place = match (&schema.shape, step) {
            (Shape::List(list), Step::Item(_)) if list.kind == ListKind::Atomic => return true,
            (Shape::List(list), Step::Item(_)) => Some(&*list.items),
            (_, Step::Key(key)) => schema.member(key),
            _ => None,
        };
    }
    false
}

fn has_empty(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.is_empty() || members.values().any(has_empty),
        Value::Array(items) => items.is_empty() || items.iter().any(has_empty),
        _ => false,
    }
}

fn visit(schema: &Schema, value: &mut Value, path: &mut Vec<Step>, taken: &mut Vec<(Vec<Step>, Value)>) {
    let mut below = |schema: &Schema, step: Step, value: &mut Value, path: &mut Vec<Step>| {
        path.push(step);
        visit(schema, value, path, taken);
        path.pop();
    };
    match (&schema.shape, value) {
        (Shape::Object(object), Value::Object(members)) => match &object.values {
            Some(values) => {
                for (name, value) in members.iter_mut().filter(|(_, value)| has_empty(value)) {
                    below(values, Step::Key(name.clone()), value, path);
                }
            }
            None => {
                // There is nothing in the others, and few have something: this look is cheap.
                for (name, value) in members.iter_mut().filter(|(_, value)| has_empty(value)) {
                    if let Some(member) = schema.member(name) {
                        below(member, Step::Key(name.clone()), value, path);
                    }
                }
                take_members(schema, members, path, taken);
            }
        },
        (Shape::List(list), Value::Array(items)) => {
            for (index, item) in items.iter_mut().enumerate().filter(|(_, item)| has_empty(item)) {
                below(&list.items, Step::Item(index), item, path);
            }
        }
        _ => {}
    }
}

fn take_members(schema: &Schema, members: &mut Map, path: &[Step], taken: &mut Vec<(Vec<Step>, Value)>) {
    members.retain(|name, value| {
        let is_empty = match value {
            Value::Object(members) => members.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        let many = |field: &Field| match &field.schema.shape {
            Shape::List(_) => true,
            Shape::Object(object) => object.values.is_some(),
            _ => false,
        };
        // Who sends no managers wants that there are none.
        if !is_empty || name == "managedFields" {
            return true;
        }
        let Some(field) = schema.field(name).filter(|field| many(field)) else { return true };
        let steps = path.iter().cloned().chain([Step::Key(name.clone())]);
        taken.push((steps.collect(), value.clone()));
        field.when_unset.is_some()
    });
}

#[cfg(test)]
mod tests {
    use crate::tree::json;

    use super::*;
    use crate::schema::builtin;

    #[test]
    fn what_is_empty_is_taken_and_put_back() {
        let pod = builtin::schema("io.k8s.api.core.v1.Pod");
        let sent = json!({
            "metadata": {"labels": {}},
            "spec": {"containers": [{"name": "a", "env": []}], "volumes": [], "securityContext": {}},
        });
        let mut object = sent.clone();
        let empties = Empties::take(pod, &mut object);
        assert!(empties.is_desired());
        assert!(!Empties::take(pod, &mut json!({"metadata": {"labels": {}}})).is_desired());
        let kept = json!({"metadata": {}, "spec": {"containers": [{"name": "a"}], "securityContext": {}}});
        assert_eq!(object, kept);
        empties.put_back(&mut object);
        assert_eq!(object, sent);
    }

    #[test]
    fn what_is_written_though_it_is_empty_is_noted() {
        let job = builtin::schema("io.k8s.api.batch.v1.Job");
        let sent = json!({"spec": {"podFailurePolicy": {"rules": []}}});
        let mut object = sent.clone();
        let empties = Empties::take(job, &mut object);
        assert_eq!(object, sent);
        object["spec"]["podFailurePolicy"]["rules"] = Value::Null;
        empties.put_back(&mut object);
        assert_eq!(object, sent);
    }

    #[test]
    fn what_has_something_in_it_now_stays() {
        let pod = builtin::schema("io.k8s.api.core.v1.Pod");
        let mut object = json!({"metadata": {"labels": {}}, "spec": {"containers": [{"env": []}]}});
        let empties = Empties::take(pod, &mut object);
        let changed = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": []}});
        let mut object = changed.clone();
        empties.put_back(&mut object);
        assert_eq!(object, changed);
    }
}
