//! Answers that the host asks this link to write.

use plugin_sdk::storage::{Operation, Put, TxnResult};
use plugin_sdk::{Answer, Body, Context, Item, ItemForm, ObjectBody, Objects, Rendering, Response, Result};

use crate::{Scripted, words};

impl Objects for Scripted {
    /// The form is a word.
    async fn render(&self, form: &str, items: Vec<Item>) -> Result<Vec<Vec<u8>>> {
        words::last(form).await?;
        let count = if form == "few" { 0 } else { items.len() };
        Ok((0..count).map(|n| format!("rendered {n}").into_bytes()).collect())
    }
}

/// An object that is rendered in this form.
pub(crate) async fn rendered(prefix: &str, context: &Context, form: &str) -> Result<Answer> {
    let value = r#"{"kind":"Mark","apiVersion":"v1","metadata":{"name":"rendered"}}"#;
    let put = Put { key: format!("{prefix}rendered"), value: value.into(), ttl_seconds: None };
    let TxnResult::Applied(mut objects) = context.store().txn(Vec::new(), vec![Operation::Put(put)]).await? else {
        return Err("it has no guards".into());
    };
    let object = objects.pop().ok_or("nothing was written")?;
    let form = ItemForm::Rendered(Rendering { form: form.to_string(), first_form: None });
    let body = Body::Object(ObjectBody { object, head: Vec::new(), form, tail: Vec::new() });
    Ok(Response::new(200).body(body).into())
}
