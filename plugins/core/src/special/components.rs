//! Component statuses: what of the control plane is in this process.

use apimachinery::rest::Special;
use apimachinery::status::ApiError;
use apimachinery::tree::{Value, json};
use plugin_sdk::Answer;

/// The store answers, or this would not.
const STORE: &str = "etcd-0";

pub(super) async fn read(special: &Special<'_>) -> Result<Answer, ApiError> {
    special.warn_of_deprecation();
    match special.name() {
        "" if special.summary().verb() == "watch" => Err(ApiError::method_not_supported(special.definition(), "watch")),
        "" => special.answer_list(special.selected(vec![healthy(STORE)])?),
        STORE => special.answer_object(healthy(STORE)),
        other => {
            let mut error = ApiError::new(404, "NotFound", format!("Component not found: {other}"));
            error.with_details = true;
            Err(error)
        }
    }
}

fn healthy(name: &str) -> Value {
    json!({
        "kind": "ComponentStatus",
        "apiVersion": "v1",
        "metadata": {"name": name},
        "conditions": [{"type": "Healthy", "status": "True", "message": "ok"}],
    })
}
