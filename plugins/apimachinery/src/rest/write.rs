//! The verbs for one object beside patches, and `deletecollection`.

use plugin_sdk::Answer;
use plugin_sdk::storage::Freshness;

use super::body::Expected;
use super::errors::from_store_at;
use super::list::parse_version;
use super::object::meta;
use super::options::{DeleteOptions, FieldValidation, ListOptions, Write, WriteOptions};
use super::registry::{Change, Deleted, Registry, Stored, Written};
use super::request::{Request, no_namespace};
use crate::schema::builtin;
use crate::status::ApiError;
use crate::tree::{Value, json};

impl Request<'_> {
    pub(super) async fn get(&self) -> Result<Answer, ApiError> {
        self.wanted()?;
        if self.query.flag("export") == Some(true) {
            let why = "the export parameter, deprecated since v1.14, is no longer supported";
            return Err(ApiError::bad_request(why));
        }
        let key = self.definition.key(self.namespace(), self.name());
        let version = parse_version(&self.query.text("resourceVersion")).map_err(|why| ApiError::new(500, "", why))?;
        let freshness = match version {
            None => Freshness::Latest,
            Some(0) => Freshness::Any,
            Some(version) => Freshness::NotOlder(version),
        };
        let found = self.store.get(key, freshness).await;
        let found = found.map_err(|error| from_store_at(version.unwrap_or(0), error))?;
        let object = found.ok_or_else(|| ApiError::not_found(self.definition, self.name()))?;
        self.answer_object(200, object)
    }

    pub(super) async fn create(&self) -> Result<Answer, ApiError> {
        self.wanted()?;
        let options = WriteOptions::read(&self.query, Write::Create)?;
        let mut object = self.read_object(&Expected::object_of(self.definition), options.field_validation).await?;
        self.definition.strategy.default(&mut object);
        let manager = self.manager(&options.field_manager);
        let outcome = self.registry(&manager, options.dry_run).create(self.namespace(), object).await?;
        self.answer_written(201, outcome.written)
    }

    pub(super) async fn update(&self) -> Result<Answer, ApiError> {
        self.wanted()?;
        let options = WriteOptions::read(&self.query, Write::Update)?;
        let mut object = self.read_object(&Expected::object_of(self.definition), options.field_validation).await?;
        self.definition.strategy.default(&mut object);
        self.check_name(&object)?;
        self.check_path_name()?;
        let manager = self.manager(&options.field_manager);
        let change = Change { creates: self.creates_on_update(), attempts: None, same_uid: true };
        let outcome = self
            .registry(&manager, options.dry_run)
            .update(self.namespace(), self.name(), &change, &mut |_| Ok(object.clone()))
            .await?;
        self.answer_written(if outcome.created { 201 } else { 200 }, outcome.written)
    }

    pub(super) async fn delete(&self) -> Result<Answer, ApiError> {
        let wanted = self.wanted()?;
        let options = self.delete_options().await?;
        let registry = self.registry("", options.dry_run);
        self.warn_of_orphans(&options);
        match registry.delete(self.namespace(), self.name(), &options).await? {
            Deleted::Gone(Written::Tree(object)) if !self.definition.strategy.returns_deleted() => {
                Ok(self.answer_value(200, self.success(&object), wanted.notation))
            }
            Deleted::Gone(written) => self.answer_written(200, written),
            // The old way to ask for the dependents to go first is told that it takes a while.
            Deleted::Going(written) => {
                let status = if options.orphan_dependents == Some(false) { 202 } else { 200 };
                self.answer_written(status, written)
            }
        }
    }

    pub(super) async fn delete_collection(&self) -> Result<Answer, ApiError> {
        self.wanted()?;
        let mut list = ListOptions::read(&self.query, false)?;
        // Upstream reads pages in any case, and pages are of one version.
        if !matches!(list.resource_version.as_str(), "" | "0") && list.resource_version_match.is_empty() {
            list.resource_version_match = "Exact".into();
        }
        let options = self.delete_options().await?;
        let selector = self.selector(&list)?;
        let (collection, token) = self.collect(&list, selector).await?;
        // A namespace that is called nothing has everybody's objects, of which none is at a key in it.
        if self.names_no_namespace() && collection.count() > 0 {
            return Err(no_namespace());
        }
        let registry = self.registry("", options.dry_run);
        self.warn_of_orphans(&options);
        let mut offset = 0;
        loop {
            let batch = collection.read(offset, 500);
            if batch.is_empty() {
                break;
            }
            offset += batch.len() as u64;
            for object in batch {
                let Stored { value, .. } = Stored::read(self.definition, object)?;
                match registry.delete(meta(&value, "namespace"), meta(&value, "name"), &options).await {
                    // Somebody else was faster.
                    Err(error) if error.code == 404 => {}
                    other => drop(other?),
                }
            }
        }
        self.answer_collection(collection, &token)
    }

    pub(super) fn registry<'b>(&'b self, manager: &'b str, dry_run: bool) -> Registry<'b> {
        Registry {
            definition: self.definition,
            store: &self.store,
            user: self.summary.user_name(),
            groups: &self.user().groups,
            identity: Some(self.user()),
            manager,
            subresource: self.summary.subresource(),
            dry_run,
            applied: false,
            request: Some(self.context),
        }
    }

    fn warn_of_orphans(&self, options: &DeleteOptions) {
        if options.orphan_dependents.is_none()
            && options.propagation.is_none()
            && let Some(warning) = self.definition.strategy.orphan_warning()
        {
            self.context.warn(warning);
        }
    }

    /// Only the main resource makes objects.
    pub(super) fn creates_on_update(&self) -> bool {
        self.summary.subresource().is_empty() && self.definition.strategy.create_on_update()
    }

    /// The path and the object must be about the same thing.
    pub(super) fn check_name(&self, object: &Value) -> Result<(), ApiError> {
        let namespace = meta(object, "namespace");
        if !namespace.is_empty() && !self.namespace().is_empty() && namespace != self.namespace() {
            return Err(ApiError::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        let (found, name) = (meta(object, "name"), self.name());
        if found.is_empty() {
            return Err(ApiError::bad_request(format!(
                "the name of the object ({name} based on URL) was undeterminable: name must be provided"
            )));
        }
        if found != name {
            return Err(ApiError::bad_request(format!(
                "the name of the object ({found}) does not match the name on the URL ({name})"
            )));
        }
        Ok(())
    }

    /// From the body, if there is one, else from the query.
    async fn delete_options(&self) -> Result<DeleteOptions, ApiError> {
        let expected = Expected {
            group: "",
            version: "v1",
            kind: "DeleteOptions",
            schema: builtin::schema("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"),
            older: "",
            builtin: true,
            tells_empty: false,
        };
        match self.read_optional(&expected, FieldValidation::Ignore).await? {
            Some(body) => DeleteOptions::from_body(&body),
            None => DeleteOptions::from_query(&self.query),
        }
    }

    /// The `Status` of an object that is gone.
    fn success(&self, object: &Value) -> Value {
        let mut details = json!({"name": meta(object, "name")});
        if !self.definition.group.is_empty() {
            details["group"] = (*self.definition.group).into();
        }
        details["kind"] = (*self.definition.resource).into();
        details["uid"] = meta(object, "uid").into();
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
    }
}
