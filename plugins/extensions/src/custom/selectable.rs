//! Fields that selectors may name.

use apimachinery::definition::Selectable;

use crate::crd::Version;

/// As the engine and the store know them: the name is the path without its first dot.
pub(crate) fn selectable(version: &Version) -> Vec<Selectable> {
    let fields = version.selectable_fields.iter();
    fields
        .map(|field| {
            let name = field.json_path.trim_start_matches('.');
            Selectable { name: name.into(), path: name.split('.').map(Box::from).collect(), absent: "".into() }
        })
        .collect()
}
