//! How one object is written: from the cache's bytes, or by the guest.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use host_store::{EventKind, Key, Object};

use super::decode;
use super::rendered::Id;
use crate::bindings::host::chain::request::{ItemForm, TypeMeta};
use crate::chain::Link;
use crate::guest::{CallError, RenderItem};

/// Writes objects in a form, one piece for each. `first` says that the first of them is the
/// first item of a watch.
pub(super) async fn write(
    link: &Arc<Link>,
    form: &ItemForm,
    first: bool,
    objects: Vec<(Option<EventKind>, Arc<Object>)>,
) -> Result<Vec<Bytes>, CallError> {
    match form {
        ItemForm::Rendered(rendering) => {
            let mut out = Vec::with_capacity(objects.len());
            let mut rest = &objects[..];
            if let (true, Some(form), Some((one, next))) = (first, &rendering.first_form, rest.split_first()) {
                out.extend(render(link, form, vec![one.clone()]).await?);
                rest = next;
            }
            let limits = link.limits();
            while !rest.is_empty() {
                let sizes = rest.iter().map(|(_, object)| object.json().len());
                let (batch, next) =
                    rest.split_at(batch_end(sizes, limits.render_batch_items_max, limits.render_batch_bytes_max));
                out.extend(render(link, &rendering.form, batch.to_vec()).await?);
                rest = next;
            }
            Ok(out)
        }
        plain => {
            let objects = objects.into_iter().map(|(_, object)| object).collect();
            let objects = decode::current(link, objects).await?;
            Ok(objects.iter().map(|object| object.written(plain)).collect())
        }
    }
}

/// Writes changes that many may watch, one piece for each: what has to be rendered is rendered once for
/// all who watch in the same form.
pub(super) async fn write_shared(
    link: &Arc<Link>,
    form: &ItemForm,
    first: bool,
    changes: Vec<(EventKind, Arc<Object>)>,
) -> Result<Vec<Bytes>, CallError> {
    let rendering = match form {
        // What comes first is another form for each that begins.
        ItemForm::Rendered(rendering) if !(first && rendering.first_form.is_some()) => rendering,
        _ => {
            let changes = changes.into_iter().map(|(kind, object)| (Some(kind), object)).collect();
            return write(link, form, first, changes).await;
        }
    };
    let form: Arc<str> = rendering.form.as_str().into();
    let mut out = Vec::with_capacity(changes.len());
    for (kind, object) in changes {
        let id = Id::of(&form, kind, &object);
        let one = async { Ok(render(link, &form, vec![(Some(kind), object)]).await?.pop().unwrap_or_default()) };
        out.push(link.rendered().get(id, link.limits(), one).await?);
    }
    Ok(out)
}

/// Writes an object that is not stored, if its form is one that is rendered.
pub(super) async fn write_made(link: &Link, form: &ItemForm, first: bool, json: Bytes) -> Result<Bytes, CallError> {
    let ItemForm::Rendered(rendering) = form else { return Ok(json) };
    let item = RenderItem { event: None, key: "".into(), json };
    let form = rendering.first_form.as_ref().filter(|_| first).unwrap_or(&rendering.form);
    Ok(rendered(link, form, vec![item]).await?.pop().unwrap_or_default())
}

/// How many objects of these sizes, from the first on, go into one batch: a bounded number, with a bounded
/// number of bytes unless one alone has more.
pub(super) fn batch_end(sizes: impl Iterator<Item = usize>, items_max: usize, bytes_max: usize) -> usize {
    let (mut end, mut bytes) = (0, 0);
    for size in sizes.take(items_max) {
        bytes += size;
        if bytes > bytes_max {
            return end.max(1);
        }
        end += 1;
    }
    end
}

/// An object's bytes, as they are served.
pub(super) enum Served {
    Cached(Arc<Object>),
    /// By `decode`: the whole JSON, and where the type's members end.
    Decoded(Bytes, usize),
}

impl Served {
    /// Appends the object in a form that needs no guest.
    pub(super) fn append(&self, form: &ItemForm, out: &mut BytesMut) {
        match self {
            Self::Cached(object) => append(object, form, out),
            Self::Decoded(json, types_end) => append_parts(json, &json[*types_end..], form, out),
        }
    }

    /// The object in a form that needs no guest; as it is stored, it is not copied.
    fn written(&self, form: &ItemForm) -> Bytes {
        if matches!(form, ItemForm::Stored) {
            return self.json().clone();
        }
        let mut out = BytesMut::with_capacity(self.json().len() + 64);
        self.append(form, &mut out);
        out.freeze()
    }

    pub(super) fn json(&self) -> &Bytes {
        match self {
            Self::Cached(object) => object.json(),
            Self::Decoded(json, _) => json,
        }
    }
}

/// Appends an object as it is cached. Counts no references: a list has thousands of them, each far
/// from the last.
pub(super) fn append(object: &Object, form: &ItemForm, out: &mut BytesMut) {
    append_parts(object.json(), object.untyped(), form, out);
}

/// `rest` is everything behind `kind` and `apiVersion`, the closing brace included.
fn append_parts(json: &[u8], rest: &[u8], form: &ItemForm, out: &mut BytesMut) {
    match form {
        ItemForm::Untyped => {
            out.put_u8(b'{');
            out.put_slice(rest);
        }
        ItemForm::Typed(types) => append_typed(types, rest, out),
        ItemForm::Stored | ItemForm::Rendered(_) => out.put_slice(json),
    }
}

fn append_typed(types: &TypeMeta, rest: &[u8], out: &mut BytesMut) {
    out.put_slice(b"{\"kind\":");
    append_string(&types.kind, out);
    out.put_slice(b",\"apiVersion\":");
    append_string(&types.api_version, out);
    if rest != b"}" {
        out.put_u8(b',');
    }
    out.put_slice(rest);
}

/// A JSON string. Kinds and versions need no escapes; a guest that sends others gets them.
fn append_string(text: &str, out: &mut BytesMut) {
    out.put_u8(b'"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.put_u8(b'\\');
                out.put_u8(c as u8);
            }
            c if c.is_control() => out.put_slice(format!("\\u{:04x}", c as u32).as_bytes()),
            c => out.put_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.put_u8(b'"');
}

/// Renders objects as they are served: decoded, where their claim asks for it.
async fn render(
    link: &Arc<Link>,
    form: &str,
    told: Vec<(Option<EventKind>, Arc<Object>)>,
) -> Result<Vec<Bytes>, CallError> {
    let (events, objects): (Vec<_>, Vec<_>) = told.into_iter().unzip();
    let keys: Vec<Key> = objects.iter().map(|object| object.key().clone()).collect();
    let served = decode::current(link, objects).await?;
    let items = events.into_iter().zip(keys).zip(&served);
    let items = items.map(|((event, key), served)| RenderItem { event, key, json: served.json().clone() }).collect();
    rendered(link, form, items).await
}

async fn rendered(link: &Link, form: &str, items: Vec<RenderItem>) -> Result<Vec<Bytes>, CallError> {
    let rendered = link.pool().render(form.into(), items, link.limits().render_ms_max).await?;
    Ok(rendered.into_iter().map(Bytes::from).collect())
}

#[cfg(test)]
mod tests {
    use super::batch_end;

    #[test]
    fn a_batch_ends_at_its_items_or_its_bytes_and_holds_one_at_least() {
        for (sizes, end) in
            [(&[1, 1, 1, 1][..], 3), (&[4, 4, 4], 2), (&[10], 1), (&[11, 1], 1), (&[1, 11], 1), (&[], 0)]
        {
            assert_eq!(batch_end(sizes.iter().copied(), 3, 10), end, "{sizes:?}");
        }
    }
}
