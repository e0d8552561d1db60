//! Answers: whole objects by reference where JSON is wanted, so that their bytes never come
//! into the guest; everything else is rendered, by the host's batches or here.

use plugin_sdk::registration::PlainRead;
use plugin_sdk::storage::{Collection, Object, Watch};
use plugin_sdk::{Answer, Body, CollectionBody, ItemForm, ObjectBody, Rendering, Response, TypeMeta, WatchBody};

use super::body::internal_package;
use super::registry::Written;
use super::render::{self, Form, FormKind, Include};
use super::request::Request;
use crate::codec::json::decode_stored;
use crate::codec::proto;
use crate::definition::Definition;
use crate::encode::{self, encode};
use crate::negotiate::{Encoding, MetaVersion, Notation, Shape, Wanted};
use crate::schema::defaults;
use crate::status::{ApiError, FieldError};
use crate::table;
use crate::tree::{Value, json};

/// What tells the host that a watch is one of messages.
const PROTOBUF_WATCH: &str = "application/vnd.kubernetes.protobuf;stream=watch";
/// How many objects are read at a time where a whole list passes through the guest.
const BATCH: u32 = 500;

impl Request<'_> {
    /// One object.
    pub(super) fn answer_written(&self, status: u16, written: Written) -> Result<Answer, ApiError> {
        match written {
            Written::Object(object) => self.answer_object(status, object),
            Written::Tree(tree) => self.answer_tree(status, tree),
        }
    }

    /// One stored object.
    pub(super) fn answer_object(&self, status: u16, object: Object) -> Result<Answer, ApiError> {
        let wanted = self.wanted()?;
        if wanted.notation != Notation::PLAIN {
            let stored = decode_stored(&object.value(), &self.definition.schema).map_err(ApiError::internal)?;
            return self.answer_tree(status, super::registry::served(self.definition, stored));
        }
        let (head, form, tail) = match wanted.shape {
            Shape::Whole => (String::new(), whole(self.definition), "\n".to_string()),
            Shape::Table(version) => {
                let kind = FormKind::Row { version, include: self.include()? };
                let (head, tail) =
                    table_around(self.definition, version, &json!({"resourceVersion": object.revision().to_string()}));
                (head, self.rendered(kind), tail)
            }
            Shape::Partial(version) => (String::new(), self.rendered(FormKind::Partial { version }), "\n".to_string()),
            Shape::PartialList(_) => return Err(no_list_of(self.definition)),
        };
        let body = ObjectBody { object, head: head.into_bytes(), form, tail: tail.into_bytes() };
        Ok(self.json(status).body(Body::Object(body)).into())
    }

    /// An object that is not stored, or not as it is answered.
    pub(super) fn answer_tree(&self, status: u16, tree: Value) -> Result<Answer, ApiError> {
        self.answer_tree_of(self.definition, status, tree)
    }

    /// The same, of something that another definition shows.
    pub(super) fn answer_tree_of(&self, definition: &Definition, status: u16, tree: Value) -> Result<Answer, ApiError> {
        let Wanted { notation, shape } = self.wanted()?;
        let shown = match shape {
            Shape::Whole => tree,
            Shape::Table(version) => {
                let kind = FormKind::Table { version, include: self.include()?, columns: true };
                // Already in this version: only its shape changes.
                render::shape(definition, kind, tree)
            }
            Shape::Partial(version) => render::shape(definition, FormKind::Partial { version }, tree),
            Shape::PartialList(_) => return Err(no_list_of(definition)),
        };
        Ok(self.answer_value(status, shown, notation))
    }

    /// Any value.
    pub(super) fn answer_value(&self, status: u16, value: Value, notation: Notation) -> Answer {
        let body = Body::Bytes(encode(&value, notation));
        Response::new(status).header("content-type", notation.encoding.media_type()).body(body).into()
    }

    /// A list, as of one revision.
    pub(super) fn answer_collection(&self, collection: Collection, continue_token: &str) -> Result<Answer, ApiError> {
        let wanted = self.wanted()?;
        let definition = self.definition;
        let mut metadata = json!({"resourceVersion": collection.revision().to_string()});
        // The list type of custom resources always writes its token.
        if !continue_token.is_empty() || (!definition.builtin && wanted.shape == Shape::Whole) {
            metadata["continue"] = continue_token.into();
        }
        if !continue_token.is_empty()
            && let Some(remaining) = collection.remaining()
        {
            metadata["remainingItemCount"] = remaining.into();
        }
        let (around, kind) = self.list_form(wanted.shape, &metadata)?;
        // What upstream leaves unset if there is nothing: lists of metadata, and rows that it makes for any type.
        let unset = match kind {
            FormKind::Partial { .. } => Some("items"),
            FormKind::Row { .. } if has_usual_columns(definition) => Some("rows"),
            _ => None,
        };
        if let Some(unset) = unset.filter(|_| collection.count() == 0) {
            let mut list = listed(around, Vec::new());
            list[unset] = Value::Null;
            return Ok(self.answer_value(200, list, wanted.notation));
        }
        if wanted.notation != Notation::PLAIN {
            return self.collected(&collection, around, kind, wanted.notation);
        }
        let form = match kind {
            FormKind::Untyped if definition.stored_as_served() => ItemForm::Untyped,
            FormKind::Whole => whole(definition),
            kind => self.rendered(kind),
        };
        let (head, tail) = around;
        let body = CollectionBody { collection, head: head.into_bytes(), form, tail: tail.into_bytes() };
        Ok(self.json(200).body(Body::Collection(body)).into())
    }

    /// What stands around a list's items in a shape, and the form of each.
    fn list_form(&self, shape: Shape, metadata: &Value) -> Result<((String, String), FormKind), ApiError> {
        let definition = self.definition;
        Ok(match shape {
            Shape::Whole if definition.builtin => {
                (list_around(&definition.list_kind, &definition.api_version(), metadata), FormKind::Untyped)
            }
            Shape::Whole => {
                (custom_around(&definition.list_kind, &definition.api_version(), metadata), FormKind::Whole)
            }
            Shape::PartialList(version) => (
                list_around("PartialObjectMetadataList", version.api_version(), metadata),
                FormKind::Partial { version },
            ),
            Shape::Table(version) => {
                let kind = FormKind::Row { version, include: self.include()? };
                (table_around(definition, version, metadata), kind)
            }
            Shape::Partial(_) => {
                let message = format!(
                    "you requested PartialObjectMetadata, but the requested object is a list ({})",
                    go_type(definition, true)
                );
                return Err(ApiError::new(406, "NotAcceptable", message));
            }
        })
    }

    /// A list that is written here, object by object.
    fn collected(
        &self,
        collection: &Collection,
        around: (String, String),
        kind: FormKind,
        notation: Notation,
    ) -> Result<Answer, ApiError> {
        let list = listed(around, Vec::new());
        let mut messages = match notation.encoding {
            Encoding::Protobuf => encode::type_of(&list).and_then(|of| proto::List::new(of.schema())),
            Encoding::Json | Encoding::Yaml => None,
        };
        let mut items = Vec::new();
        let mut offset = 0;
        loop {
            let batch = collection.read(offset, BATCH);
            if batch.is_empty() {
                break;
            }
            offset += batch.len() as u64;
            for object in batch {
                let stored = decode_stored(&object.value(), &self.definition.schema).map_err(ApiError::internal)?;
                let item = render::tree(self.definition, kind, stored);
                // Informers of everything there is ask so: trees of all of it would not fit.
                match &mut messages {
                    Some(messages) => messages.push(&item),
                    None => items.push(item),
                }
            }
        }
        Ok(match messages {
            Some(messages) => {
                let body = Body::Bytes(messages.finish(&list));
                Response::new(200).header("content-type", notation.encoding.media_type()).body(body).into()
            }
            None => self.answer_value(200, with_items(list, items), notation),
        })
    }

    /// A list of objects that are not stored.
    pub(super) fn answer_list(&self, objects: Vec<Value>) -> Result<Answer, ApiError> {
        let wanted = self.wanted()?;
        let (around, kind) = self.list_form(wanted.shape, &json!({}))?;
        let items = objects.into_iter().map(|object| render::shape(self.definition, kind, object)).collect();
        Ok(self.answer_value(200, listed(around, items), wanted.notation))
    }

    /// A watch, in lines of JSON or in messages.
    pub(super) fn answer_watch(&self, watch: Watch) -> Result<Answer, ApiError> {
        let definition = self.definition;
        let (kind, api_version) = (definition.kind.to_string(), definition.api_version());
        let around = |kind: &str, api_version: &str, tail: String| {
            let (kind, api_version) = (json!(kind), json!(api_version));
            (format!("{{\"kind\":{kind},\"apiVersion\":{api_version},\"metadata\":{{").into_bytes(), tail.into_bytes())
        };
        let Wanted { notation: Notation { encoding, .. }, shape } = self.wanted()?;
        let rendered = |kind| {
            let form = Form { encoding, ..Form::of(definition, kind) }.to_string();
            ItemForm::Rendered(Rendering { form, first_form: None })
        };
        let (form, (bookmark_head, bookmark_tail)) = match shape {
            Shape::Whole if !definition.builtin => {
                let (kind, api_version) = (json!(kind), json!(api_version));
                let head = format!("{{\"apiVersion\":{api_version},\"kind\":{kind},\"metadata\":{{");
                (whole(definition), (head.into_bytes(), nothing_behind_metadata(definition).into_bytes()))
            }
            Shape::Whole => {
                let form = if encoding == Encoding::Protobuf { rendered(FormKind::Whole) } else { whole(definition) };
                (form, around(&kind, &api_version, nothing_behind_metadata(definition)))
            }
            Shape::Partial(version) | Shape::PartialList(version) => (
                rendered(FormKind::Partial { version }),
                around("PartialObjectMetadata", version.api_version(), "}}".into()),
            ),
            Shape::Table(version) => {
                let include = self.include()?;
                let form = |columns| Form::of(definition, FormKind::Table { version, include, columns }).to_string();
                let rendering = Rendering { form: form(false), first_form: Some(form(true)) };
                // Its row is made like any other.
                let bookmark = around(&kind, &api_version, nothing_behind_metadata(definition));
                (ItemForm::Rendered(rendering), bookmark)
            }
        };
        let body = Body::Watch(WatchBody { watch, form, bookmark_head, bookmark_tail });
        let media_type = match encoding {
            Encoding::Protobuf => PROTOBUF_WATCH,
            Encoding::Json | Encoding::Yaml => encoding.media_type(),
        };
        Ok(Response::new(200).header("content-type", media_type).body(body).into())
    }

    fn json(&self, status: u16) -> Response {
        Response::new(status).header("content-type", "application/json")
    }

    fn rendered(&self, kind: FormKind) -> ItemForm {
        ItemForm::Rendered(Rendering { form: Form::of(self.definition, kind).to_string(), first_form: None })
    }

    fn include(&self) -> Result<Include, ApiError> {
        let text = self.query.text("includeObject");
        Include::parse(&text).ok_or_else(|| {
            let why = "must be 'Metadata', 'Object', 'None', or empty";
            let error = FieldError::invalid("includeObject", &Value::from(text), why);
            ApiError::bad_request(format!("Unable to convert to Table as requested: {error}"))
        })
    }
}

/// What follows the metadata of an object of which nothing else is known, as in a bookmark: upstream writes
/// what is never left out.
fn nothing_behind_metadata(definition: &Definition) -> String {
    let mut object = definition.strategy.nothing();
    if definition.builtin {
        defaults::write_unset(&definition.schema, &mut object);
    }
    let text = render::untyped(object).to_string();
    text.strip_prefix("{\"metadata\":{").unwrap_or("}}").to_string()
}

/// The whole object in this version.
fn whole(definition: &Definition) -> ItemForm {
    let api_version = definition.api_version();
    if definition.strategy.converts() || definition.storage_schema.is_some() {
        let form = Form::of(definition, FormKind::Whole).to_string();
        return ItemForm::Rendered(Rendering { form, first_form: None });
    }
    if *definition.storage_version == api_version {
        return ItemForm::Stored;
    }
    ItemForm::Typed(TypeMeta { kind: definition.kind.to_string(), api_version })
}

/// What the host may answer by itself: [`Request::get`](super::request::Request) where nothing special
/// is asked for. Nothing if a read is more than the object's bytes.
pub fn plain_read(definition: &Definition) -> Option<PlainRead> {
    let read = definition.verbs.iter().any(|verb| &**verb == "get") && definition.deprecation_warning.is_none();
    let Definition { group, version, resource, storage_prefix, .. } = definition;
    let plain = PlainRead::new(group, version, resource, storage_prefix);
    let plain = if definition.namespaced { plain.namespaced() } else { plain };
    match whole(definition) {
        _ if !read => None,
        ItemForm::Stored => Some(plain),
        ItemForm::Typed(typed) => Some(plain.typed(&typed.kind, &typed.api_version)),
        ItemForm::Untyped | ItemForm::Rendered(_) => None,
    }
}

fn list_around(kind: &str, api_version: &str, metadata: &Value) -> (String, String) {
    let head =
        format!("{{\"kind\":{},\"apiVersion\":{},\"metadata\":{metadata},\"items\":[", json!(kind), json!(api_version));
    (head, "]}\n".to_string())
}

/// The same of what upstream has no struct for, whose members it sorts.
fn custom_around(kind: &str, api_version: &str, metadata: &Value) -> (String, String) {
    let mut metadata = metadata.clone();
    metadata.sort_all_objects();
    let head = format!("{{\"apiVersion\":{},\"items\":[", json!(api_version));
    (head, format!("],\"kind\":{},\"metadata\":{metadata}}}\n", json!(kind)))
}

/// Whether nobody has said what is shown of a type.
fn has_usual_columns(definition: &Definition) -> bool {
    definition.builtin && definition.columns.iter().any(|column| &*column.name == "Created At")
}

/// A list with its items.
fn listed(around: (String, String), items: Vec<Value>) -> Value {
    with_items(serde_json::from_str(&format!("{}{}", around.0, around.1)).unwrap_or_default(), items)
}

fn with_items(mut list: Value, items: Vec<Value>) -> Value {
    let members = if list["kind"] == "Table" { "rows" } else { "items" };
    list[members] = items.into();
    list
}

fn table_around(definition: &Definition, version: MetaVersion, metadata: &Value) -> (String, String) {
    let columns = table::column_definitions(definition);
    let head = format!(
        "{{\"kind\":\"Table\",\"apiVersion\":{},\"metadata\":{metadata},\"columnDefinitions\":{columns},\"rows\":[",
        json!(version.api_version())
    );
    (head, "]}\n".to_string())
}

/// `go_type` is what upstream keeps the object in.
pub fn not_a_list(go_type: &str) -> ApiError {
    let message =
        format!("you requested PartialObjectMetadataList, but the requested object is not a list ({go_type})");
    ApiError::new(406, "NotAcceptable", message)
}

/// Objects of custom resources are asked for what is in them before they are found to be no lists.
fn no_list_of(definition: &Definition) -> ApiError {
    match definition.builtin {
        true => not_a_list(&go_type(definition, false)),
        false => ApiError::new(500, "", "content is not a list"),
    }
}

/// What upstream keeps an object in, which messages name.
fn go_type(definition: &Definition, list: bool) -> String {
    // Events are of the core group there, in whichever they are asked for.
    let package = if &*definition.kind == "Event" { "core" } else { internal_package(&definition.group) };
    match (definition.builtin, list) {
        (false, false) => "*unstructured.Unstructured".into(),
        (false, true) => "*unstructured.UnstructuredList".into(),
        (true, false) => format!("*{package}.{}", definition.kind),
        (true, true) => format!("*{package}.{}", definition.list_kind),
    }
}
