//! Who owns the replicas of an object, as its scale tells it: a scale is applied against the
//! owners of that one field, and what comes of it is written back to the object's own entries.

use super::element::PathElement;
use super::entries::{Entry, Operation, decode, encode};
use super::{Set, managed_fields, set_managed_fields};
use crate::tree::Value;

const SCALE: &str = "autoscaling/v1";
const REPLICAS: [&str; 2] = ["spec", "replicas"];

/// Gives a scale the entries of those who own the object's replicas.
///
/// # Errors
/// What is wrong with the object's entries.
pub fn to_scale(object: &Value, replicas: &[&str], scale: &mut Value) -> Result<(), String> {
    let path = elements(replicas);
    let entries = decode(managed_fields(object).unwrap_or(&Value::Null))?.into_iter();
    let owners = entries.filter(|entry| entry.set.contains(&path)).map(|entry| Entry {
        api_version: SCALE.into(),
        set: Set::of_fields(&[&REPLICAS]),
        ..entry
    });
    set_managed_fields(scale, encode(owners.collect()));
    Ok(())
}

/// Brings what an apply made of the entries of a scale back to those of its object: who lost the
/// replicas there loses them here, who got them has them.
///
/// # Errors
/// What is wrong with the entries of either.
pub fn from_scale(scale: &Value, replicas: &[&str], api_version: &str, object: &mut Value) -> Result<(), String> {
    let (path, own) = (elements(replicas), Set::of_fields(&[replicas]));
    let mut owners = decode(managed_fields(scale).unwrap_or(&Value::Null))?;
    let mut entries = Vec::new();
    for entry in decode(managed_fields(object).unwrap_or(&Value::Null))? {
        if !entry.set.contains(&path) {
            entries.push(entry);
        } else if let Some(index) = owners.iter().position(|owner| is_same(owner, &entry)) {
            owners.remove(index);
            entries.push(entry);
        } else {
            let set = entry.set.difference(&own);
            if !set.is_empty() {
                entries.push(Entry { set, ..entry });
            }
        }
    }
    let of_scale = elements(&REPLICAS);
    entries.extend(owners.into_iter().filter(|owner| owner.set.contains(&of_scale)).map(|owner| Entry {
        api_version: api_version.into(),
        // Upstream does not carry it over.
        time: None,
        set: own.clone(),
        ..owner
    }));
    set_managed_fields(object, encode(entries));
    Ok(())
}

/// Upstream tells who updates by the version as well, and that of a scale is never the object's: what an
/// update owned of the replicas becomes an entry of its own.
fn is_same(of_scale: &Entry, of_object: &Entry) -> bool {
    of_scale.owner == of_object.owner && of_object.owner.operation == Operation::Apply
}

fn elements(path: &[&str]) -> Vec<PathElement> {
    path.iter().map(|name| PathElement::field(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json;

    fn entry(manager: &str, operation: &str, version: &str, spec: Value) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": version, "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": spec}})
    }

    #[test]
    fn replicas_that_stay_are_told_apart_from_the_rest_of_an_update() {
        let both = json!({"f:replicas": {}, "f:paused": {}});
        let entries = [entry("a", "Apply", "apps/v1", both.clone()), entry("b", "Update", "apps/v1", both.clone())];
        let mut object = json!({"metadata": {"managedFields": entries}});
        let mut scale = json!({"metadata": {}});
        to_scale(&object, &REPLICAS, &mut scale).expect("the entries are good");
        from_scale(&scale, &REPLICAS, "apps/v1", &mut object).expect("the entries are good");
        let (rest, replicas) = (json!({"f:paused": {}}), json!({"f:replicas": {}}));
        let expected = [
            entry("a", "Apply", "apps/v1", both),
            entry("b", "Update", "apps/v1", rest),
            entry("b", "Update", "apps/v1", replicas),
        ];
        assert_eq!(object["metadata"]["managedFields"], json!(expected));
    }

    #[test]
    fn replicas_change_hands() {
        let both = json!({"f:replicas": {}, "f:paused": {}});
        let mut object = json!({"metadata": {"managedFields": [entry("a", "Update", "apps/v1", both)]}});
        let mut scale = json!({"metadata": {}});
        to_scale(&object, &REPLICAS, &mut scale).expect("the entries are good");
        let only = json!({"f:replicas": {}});
        assert_eq!(scale["metadata"]["managedFields"], json!([entry("a", "Update", SCALE, only.clone())]));

        scale["metadata"]["managedFields"] = json!([entry("b", "Apply", SCALE, only.clone())]);
        from_scale(&scale, &REPLICAS, "apps/v1", &mut object).expect("the entries are good");
        assert_eq!(
            object["metadata"]["managedFields"],
            json!([entry("b", "Apply", "apps/v1", only), entry("a", "Update", "apps/v1", json!({"f:paused": {}}))])
        );
    }
}
