//! For resources and subresources that are not objects in the store (reviews, bindings,
//! tokens): what the engine knows of a request, without its verbs.

use plugin_sdk::{Answer, Context, Store, Summary, User};

use super::answer::not_a_list;
use super::body::{Expected, internal_package};
use super::options::{DeleteOptions, ListOptions, Write, WriteOptions};
use super::query::Query;
use super::registry::Registry;
use super::request::Request;
use crate::definition::Definition;
use crate::managed::{self, Manager, Set, Versions};
use crate::negotiate::Shape;
use crate::schema::{Schema, builtin};
use crate::selector;
use crate::status::ApiError;
use crate::tree::Value;

/// A request for something that only its server knows how to answer.
pub struct Special<'a>(Request<'a>);

impl<'a> Special<'a> {
    pub fn new(definition: &'a Definition, context: &'a Context, summary: &'a Summary) -> Self {
        Self(Request::new(definition, context, summary))
    }

    /// Answers it as one for objects in the store, after all.
    pub async fn as_usual(self) -> Answer {
        super::answered(&self.0).await
    }

    pub fn definition(&self) -> &'a Definition {
        self.0.definition
    }

    pub fn summary(&self) -> &'a Summary {
        self.0.summary
    }

    pub fn name(&self) -> &str {
        self.0.name()
    }

    pub fn namespace(&self) -> &str {
        self.0.namespace()
    }

    /// The verb for a part of an object, whether that is named or not.
    pub fn part_verb(&self) -> &str {
        self.0.part_verb()
    }

    pub fn user(&self) -> &User {
        self.0.user()
    }

    pub fn query(&self) -> &Query {
        &self.0.query
    }

    /// Whether the client asks for another protocol on this connection.
    pub fn wants_upgrade(&self) -> bool {
        let asks = |value: &str| value.to_ascii_lowercase().contains("upgrade");
        self.0.context.head().headers.iter().any(|(name, value)| name == "connection" && asks(value))
    }

    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The shape that the client wants, of what is no object.
    ///
    /// # Errors
    /// `NotAcceptable` if it takes nothing that is offered.
    pub fn shape(&self) -> Result<Shape, ApiError> {
        self.0.wanted().map(|wanted| wanted.shape)
    }

    /// The `POST`ed object, of a built-in kind, and the options of the request.
    pub async fn posted(&self, group: &str, version: &str, kind: &str) -> Result<(Value, WriteOptions), ApiError> {
        self.posted_since("", group, version, kind).await
    }

    /// As [`Self::posted`], for a kind that an older version has in the same form.
    pub async fn posted_since(
        &self,
        older: &str,
        group: &str,
        version: &str,
        kind: &str,
    ) -> Result<(Value, WriteOptions), ApiError> {
        self.0.wanted()?;
        let options = WriteOptions::read(&self.0.query, Write::Create)?;
        let schema = builtin::kind(group, version, kind)
            .ok_or_else(|| ApiError::internal(format!("`{kind}` is not a built-in kind of `{group}/{version}`")))?
            .schema();
        let expected = Expected { group, version, kind, schema, older, builtin: true, tells_empty: false };
        let mut object = self.0.read_object(&expected, options.field_validation).await?;
        let registry = self.registry(self.definition(), "", options.dry_run);
        registry.match_namespace(self.namespace(), &mut object)?;
        // Who asks what somebody may do learns nothing of namespaces.
        if group != "authorization.k8s.io" {
            registry.check_namespace(self.namespace(), self.name()).await?;
        }
        Ok((object, options))
    }

    /// The objects of a definition, as this request may change them.
    pub fn registry<'b>(&'b self, definition: &'b Definition, manager: &'b str, dry_run: bool) -> Registry<'b> {
        Registry {
            definition,
            store: &self.0.store,
            user: self.0.summary.user_name(),
            groups: &self.0.user().groups,
            identity: Some(self.0.user()),
            manager,
            subresource: self.0.summary.subresource(),
            dry_run,
            applied: false,
            request: Some(self.0.context),
        }
    }

    /// Notes in an object that was posted, and is answered and forgotten, who set its fields.
    pub fn manage(&self, schema: &Schema, options: &WriteOptions, object: &mut Value) {
        let who = Manager {
            name: self.manager(options),
            subresource: self.0.summary.subresource().to_string(),
            api_version: object["apiVersion"].as_str().unwrap_or_default().to_string(),
            time: super::clock::now(),
        };
        managed::update(Versions::alone(schema), None, object, &who, &Set::default());
    }

    /// Tells the client something beside the answer.
    pub fn warn(&self, text: &str) {
        self.0.context.warn(text);
    }

    pub fn annotate_audit(&self, key: &str, value: &str) {
        self.0.context.annotate_audit(key, value);
    }

    /// Who is written down as the manager of fields.
    pub fn manager(&self, options: &WriteOptions) -> String {
        self.0.manager(&options.field_manager)
    }

    /// Any object, in the form that the client wants. A `Status` has only one.
    pub fn answer(&self, status: u16, value: Value) -> Result<Answer, ApiError> {
        let wanted = self.0.wanted()?;
        match wanted.shape {
            _ if value["kind"] == "Status" => Ok(self.0.answer_value(status, value, wanted.notation)),
            Shape::PartialList(_) => {
                let group =
                    value["apiVersion"].as_str().and_then(|version| version.split_once('/')).unwrap_or_default().0;
                let kind = value["kind"].as_str().unwrap_or_default();
                Err(not_a_list(&format!("*{}.{kind}", internal_package(group))))
            }
            _ => self.0.answer_tree(status, value),
        }
    }

    /// Those of all objects that a list asks for.
    pub fn selected(&self, objects: Vec<Value>) -> Result<Vec<Value>, ApiError> {
        let options = ListOptions::read(self.query(), false)?;
        let selector = self.0.selector(&options)?;
        Ok(objects.into_iter().filter(|object| selector::holds(&selector, object)).collect())
    }

    /// Tells the client that the resource will go, if it will.
    pub fn warn_of_deprecation(&self) {
        self.0.warn_of_deprecation();
    }

    /// An object of the definition that is not stored, in the form that the client wants.
    pub fn answer_object(&self, object: Value) -> Result<Answer, ApiError> {
        self.0.answer_tree(200, object)
    }

    /// As [`Self::answer_object`], for all there are.
    pub fn answer_list(&self, objects: Vec<Value>) -> Result<Answer, ApiError> {
        self.0.answer_list(objects)
    }

    /// The options of a delete that is a part of another request.
    pub fn delete_options(&self, options: &Value) -> Result<DeleteOptions, ApiError> {
        DeleteOptions::from_body(options)
    }

    pub fn failure(&self, error: &ApiError) -> Answer {
        self.0.failure(error)
    }
}
