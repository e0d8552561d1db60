//! A resource's rules as a value: most resources are one, and say only where they differ.

use apimachinery::rest::clock;
use apimachinery::rest::options::DeleteOptions;
use apimachinery::schema::internal;
use apimachinery::status::{ApiError, FieldError};
use apimachinery::strategy::{Companions, Operation, Reading, Removal, Strategy};
use apimachinery::tree::{Value, json};
use apimachinery::validation::place::{Findings, Place};
use apimachinery::validation::{metadata, names};
use plugin_sdk::Store;

use crate::tree::{child, same, same_but_for_empty_lists};
use crate::warnings::Warnings;

const SELECTOR: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector";

/// What depends on other objects.
pub(super) type Admit =
    for<'a> fn(&'a Operation<'a>, &'a Store, &'a mut Value, Option<&'a Value>) -> Reading<'a, Companions>;

/// What a resource without hooks of its own may have. Objects are given to validation as the
/// place that they are, so that findings know their paths.
pub(super) struct Rules {
    pub(super) default: fn(&mut Value),
    /// Takes away what belongs to features that are off.
    pub(super) forget_disabled: fn(&mut Value),
    pub(super) admit: Admit,
    /// What upstream sets on create whatever the client sent.
    pub(super) prepare: fn(&mut Value),
    /// The same for an update of the resource itself: the new object, the old one.
    pub(super) prepare_update: fn(&mut Value, &Value),
    /// The same for an update of its status.
    pub(super) prepare_status: fn(&mut Value, &Value),
    pub(super) validate: fn(&Place<'_, '_>, &mut Findings),
    /// What an update may not do: the new object, the old one.
    pub(super) change: fn(&Place<'_, '_>, &Value, &mut Findings),
    /// Whether that is found before what is wrong with the object itself.
    pub(super) change_first: bool,
    /// Whether an update is looked at for what is wrong with the object itself.
    pub(super) validates_updates: bool,
    /// An update of the status: the new object, the old one.
    pub(super) status: fn(&Place<'_, '_>, &Value, &mut Findings),
    /// What is odd about an object that is valid: the object, the one before.
    pub(super) warnings: fn(&Place<'_, '_>, Option<&Value>, &mut Warnings),
    pub(super) name: fn(&str) -> Vec<String>,
    pub(super) generate_name: fn(&str) -> String,
    /// Whether metadata is looked at if the object is right otherwise, and only as that of any object.
    pub(super) any_metadata: bool,
    /// Members of the object, as paths, that may not change.
    pub(super) immutable: &'static [&'static str],
    pub(super) generation: bool,
    /// Whether what is sent empty is a change.
    pub(super) minds_empties: bool,
    /// Whether it is what it was first, whatever changes.
    pub(super) generation_stays: bool,
    /// Annotations are desired too: controllers copy them.
    pub(super) annotations_count: bool,
    /// Labels are desired too.
    pub(super) labels_count: bool,
    /// Whether finalizers without a domain have to be known.
    pub(super) knows_finalizers: bool,
    pub(super) create_on_update: bool,
    pub(super) unconditional_update: bool,
    pub(super) returns_deleted: bool,
    /// Why an object cannot go, if it cannot.
    pub(super) stays: fn(&Value) -> Option<&'static str>,
    /// Annotations that are fields inside.
    pub(super) folded_annotations: &'static [&'static str],
    /// Whether what it owns stays when a client says nothing of that.
    pub(super) orphans: bool,
    /// What upstream's internal type has in its `spec` where this one has nothing.
    pub(super) nothing: &'static [(&'static str, u32)],
}

pub(super) const RULES: Rules = Rules {
    default: |_| {},
    forget_disabled: |_| {},
    admit: |_, _, _, _| Box::pin(std::future::ready(Ok(Companions::default()))),
    prepare: |_| {},
    prepare_update: |_, _| {},
    prepare_status: |_, _| {},
    validate: |_, _| {},
    change: |_, _, _| {},
    change_first: false,
    validates_updates: true,
    status: |_, _, _| {},
    warnings: |_, _, _| {},
    name: names::dns1123_subdomain,
    generate_name: clock::generate_name,
    any_metadata: false,
    immutable: &[],
    generation: false,
    minds_empties: false,
    generation_stays: false,
    annotations_count: false,
    labels_count: false,
    knows_finalizers: true,
    create_on_update: false,
    unconditional_update: true,
    returns_deleted: false,
    stays: |_| None,
    folded_annotations: &[],
    orphans: false,
    nothing: &[],
};

impl Strategy for Rules {
    fn default(&self, object: &mut Value) {
        (self.default)(object);
    }

    fn forget_disabled(&self, object: &mut Value) {
        (self.forget_disabled)(object);
    }

    fn admit<'a>(
        &'a self,
        operation: &'a Operation<'a>,
        store: &'a Store,
        object: &'a mut Value,
        old: Option<&'a Value>,
    ) -> Reading<'a, Companions> {
        (self.admit)(operation, store, object, old)
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        (self.prepare)(object);
    }

    fn prepare_for_update(&self, operation: &Operation<'_>, object: &mut Value, old: &Value) {
        match operation.subresource {
            "" => (self.prepare_update)(object, old),
            "status" => (self.prepare_status)(object, old),
            _ => {}
        }
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        (self.validate)(&Place::root(object), errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        let root = Place::root(object);
        match operation.subresource {
            "" | "scale" => {}
            "status" => return (self.status)(&root, old, errors),
            _ => return,
        }
        if self.change_first {
            (self.change)(&root, old, errors);
        }
        metadata::late(operation.definition, operation.subresource, object, errors);
        if self.validates_updates {
            (self.validate)(&root, errors);
        }
        metadata::between(operation.definition, operation.subresource, object, old, errors);
        if !self.change_first {
            (self.change)(&root, old, errors);
        }
        let before = Place::root(old);
        for path in self.immutable {
            let (new, old) = (root.at(path), before.at(path));
            // An empty struct is something, an empty list or text is not.
            let nothing = |place: &Place<'_, '_>| place.is_empty() && !place.value().is_object();
            if !(nothing(&new) && nothing(&old)) {
                match new.value().is_object() {
                    // Those are selectors.
                    true if !same(new.value(), old.value()) => {
                        new.invalid_as(&internal::show(SELECTOR, new.value()), "field is immutable", errors);
                    }
                    true => {}
                    false if old.value().is_object() => new.immutable(old.value(), errors),
                    false => new.immutable_text(old.value(), errors),
                }
            }
        }
    }

    fn warnings(&self, operation: &Operation<'_>, object: &Value, old: Option<&Value>) -> Warnings {
        let mut warnings = Warnings::new();
        if matches!(operation.subresource, "" | "scale") {
            (self.warnings)(&Place::root(object), old, &mut warnings);
        }
        warnings
    }

    fn knows_finalizers(&self) -> bool {
        self.knows_finalizers
    }

    fn nothing(&self) -> Value {
        let mut object = json!({"metadata": {}});
        for (name, number) in self.nothing {
            child(&mut object, "spec")[*name] = (*number).into();
        }
        object
    }

    fn orphans(&self) -> bool {
        self.orphans
    }

    fn validate_name(&self, name: &str) -> Vec<String> {
        (self.name)(name)
    }

    fn generate_name(&self, base: &str) -> String {
        (self.generate_name)(base)
    }

    fn validates_metadata(&self) -> bool {
        self.any_metadata
    }

    fn create_on_update(&self) -> bool {
        self.create_on_update
    }

    fn unconditional_update(&self) -> bool {
        self.unconditional_update
    }

    fn generation(&self) -> bool {
        self.generation
    }

    fn minds_empties(&self) -> bool {
        self.minds_empties
    }

    fn desires_differ(&self, object: &Value, old: &Value) -> bool {
        let differs = |member: &str| object["metadata"][member] != old["metadata"][member];
        !self.generation_stays
            && (apimachinery::strategy::desires_differ(object, old)
                && (self.minds_empties || !same_but_for_empty_lists(object, old))
                || (self.annotations_count && differs("annotations"))
                || (self.labels_count && differs("labels")))
    }

    fn before_delete(
        &self,
        operation: &Operation<'_>,
        object: &Value,
        _options: &DeleteOptions,
    ) -> Result<Removal, ApiError> {
        match (self.stays)(object) {
            Some(why) => Err(operation.forbidden(why)),
            None => Ok(Removal::Ordinary),
        }
    }

    fn returns_deleted(&self) -> bool {
        self.returns_deleted
    }

    fn folded_annotations(&self) -> &'static [&'static str] {
        self.folded_annotations
    }
}
