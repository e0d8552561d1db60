//! Members of objects by their names.

use serde_json::{Map, Value};

/// Objects with more members than this are asked by hash.
const SCANNED_MAX: usize = 32;

/// The member of this name. Objects of the API are small: to look at each name costs less than to
/// hash one.
pub fn member<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    if object.len() > SCANNED_MAX {
        return object.get(name);
    }
    object.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value)
}

/// The member of this name of a value that may be no object.
pub fn member_of<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    member(value.as_object()?, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_in_small_objects_and_in_large_ones() {
        for count in [0, 1, SCANNED_MAX, SCANNED_MAX + 1] {
            let object: Map<_, _> = (0..count).map(|number| (number.to_string(), number.into())).collect();
            for number in 0..count + 1 {
                let expected = (number < count).then(|| Value::from(number));
                assert_eq!(member(&object, &number.to_string()), expected.as_ref(), "{number} of {count}");
            }
        }
        assert_eq!(member_of(&Value::from("text"), "name"), None);
    }
}
