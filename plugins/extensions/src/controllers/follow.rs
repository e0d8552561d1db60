//! Follows all definitions and does what each change asks for.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::pin::pin;
use std::rc::Rc;

use apimachinery::definition::Definition;
use apimachinery::rest::registry::{Change, Registry, Written};
use apimachinery::status::ApiError;
use apimachinery::tree::Value;
use futures_util::future::{Either, select};
use plugin_sdk::registration::{self, Contents};
use plugin_sdk::storage::{Error, Event, EventKind, Object, Selector, WatchQuery, WatchStart};
use plugin_sdk::{HookContext, log, spawn};

use super::naming::Taken;
use super::{NOT_SYNCED, finalize, status};
use crate::crd::{self, Crd, ESTABLISHED, NAMES_ACCEPTED, Names, TERMINATING};
use crate::{custom, routes};

/// The first pause before a status that could not be written is tried again; doubled each time.
const TRY_AGAIN_FIRST_MS: u64 = 50;
const TRY_AGAIN_LAST_MS: u64 = 30_000;

pub(super) struct Follower {
    context: Rc<HookContext>,
    definition: Definition,
    known: HashMap<String, Known>,
    /// The newest revision that was seen.
    revision: u64,
    /// Discovery has to be registered again.
    discovery: bool,
    complete: bool,
    /// Definitions whose status could not be written, and how often in a row.
    failed: HashMap<String, u32>,
    /// Definitions whose objects are being removed.
    finalizing: Rc<RefCell<BTreeSet<String>>>,
}

/// A definition as it was last seen.
struct Known {
    crd: Crd,
    object: Object,
    /// What its routes were registered for.
    registered: Option<Registered>,
}

/// Whatever a definition's routes, claims and cached definitions depend on.
#[derive(PartialEq)]
struct Registered {
    uid: String,
    generation: i64,
    names: Names,
    terminating: bool,
}

impl Registered {
    fn of(crd: &Crd) -> Self {
        Self {
            uid: crd.metadata.uid.clone(),
            generation: crd.metadata.generation,
            names: crd.status.accepted_names.clone(),
            terminating: crd.is_true(TERMINATING),
        }
    }
}

impl Follower {
    pub(super) fn new(context: Rc<HookContext>) -> Self {
        Self {
            context,
            definition: crd::definition(),
            known: HashMap::new(),
            revision: 0,
            discovery: true,
            complete: false,
            failed: HashMap::new(),
            finalizing: Rc::default(),
        }
    }

    /// Lists, then watches, until the watch ends.
    pub(super) async fn follow(&mut self) -> Result<(), Error> {
        let query = WatchQuery {
            prefix: crd::PREFIX.to_string(),
            selector: Selector { labels: Vec::new(), fields: Vec::new() },
            start: WatchStart::InitialEvents(0),
            bookmarks: true,
            timeout_ms: None,
        };
        let watch = self.context.store().watch(query).await?;
        let mut initial: Option<BTreeSet<String>> = Some(BTreeSet::new());
        loop {
            let events = {
                let mut next = pin!(watch.next());
                loop {
                    let Some(pause_ms) = self.next_try_ms() else { break next.await? };
                    let context = self.context.clone();
                    if let Either::Left((events, _)) = select(next.as_mut(), pin!(context.sleep(pause_ms))).await {
                        break events?;
                    }
                    let failed = self.failed.keys().cloned().collect();
                    self.work_on(failed).await;
                }
            };
            if events.is_empty() {
                return Ok(());
            }
            let mut changed = BTreeSet::new();
            for event in events {
                self.revision = self.revision.max(event.revision);
                if event.kind == EventKind::Bookmark {
                    if let Some(present) = initial.take() {
                        self.forget_all_but(&present);
                        changed.extend(present);
                    }
                } else if let Some(name) = self.note(event) {
                    match &mut initial {
                        Some(present) => present.insert(name),
                        None => changed.insert(name),
                    };
                }
            }
            if initial.is_none() {
                self.work_on(changed).await;
            }
        }
    }

    /// When to try again what failed; nothing if nothing did.
    fn next_try_ms(&self) -> Option<u64> {
        let tries = self.failed.values().copied().min()?;
        Some((TRY_AGAIN_FIRST_MS << tries.min(16)).min(TRY_AGAIN_LAST_MS))
    }

    /// Keeps what an event brings; the definition's name, if there is something to do.
    fn note(&mut self, event: Event) -> Option<String> {
        let object = event.object?;
        let name = object.key().strip_prefix(crd::PREFIX)?.to_string();
        if event.kind == EventKind::Deleted {
            self.forget(&name);
            return None;
        }
        self.keep(&name, object);
        Some(name)
    }

    fn keep(&mut self, name: &str, object: Object) {
        let crd = match Crd::parse(&object.value()) {
            Ok(crd) => crd,
            Err(why) => return log::error!("`{name}`: {why}"),
        };
        self.revision = self.revision.max(object.revision());
        let registered = self.known.remove(name).and_then(|known| known.registered);
        self.known.insert(name.to_string(), Known { crd, object, registered });
    }

    fn forget_all_but(&mut self, present: &BTreeSet<String>) {
        let gone: Vec<String> = self.known.keys().filter(|name| !present.contains(*name)).cloned().collect();
        gone.iter().for_each(|name| self.forget(name));
    }

    fn forget(&mut self, name: &str) {
        self.failed.remove(name);
        if let Some(known) = self.known.remove(name)
            && known.registered.is_some()
        {
            self.unregister(name);
        }
    }

    /// Works on what changed, and on whatever waits for names that became free.
    async fn work_on(&mut self, mut names: BTreeSet<String>) {
        let waiting = self.known.values().filter(|known| !known.crd.is_true(NAMES_ACCEPTED));
        names.extend(waiting.map(|known| known.crd.metadata.name.clone()));
        // Routes of what is served already come first: nobody waits for a status.
        for name in &names {
            self.register(name);
        }
        self.register_discovery();
        self.finish_first_sync();
        for name in names {
            match self.work_on_one(&name).await {
                Ok(()) => {
                    self.failed.remove(&name);
                }
                Err(error) => {
                    log::warn!("the status of `{name}` is not written and is tried again: {}", error.message);
                    *self.failed.entry(name.clone()).or_default() += 1;
                }
            }
            self.finalize(&name);
        }
        self.register_discovery();
    }

    async fn work_on_one(&mut self, name: &str) -> Result<(), ApiError> {
        let Some(known) = self.known.get(name) else { return Ok(()) };
        if status::needs_examination(&known.crd) {
            let taken = Taken::in_group(&known.crd.spec.group, name, self.known.values().map(|known| &known.crd));
            self.write_status(name, &|object| status::examine(object, &taken)).await?;
        }
        let refused = self.register(name);
        self.register_discovery();
        match refused {
            None if self.is_ready(name) => self.write_status(name, &status::establish).await?,
            None => {}
            Some(why) => self.write_status(name, &|object| status::refuse(object, &why)).await?,
        }
        Ok(())
    }

    fn is_ready(&self, name: &str) -> bool {
        self.known.get(name).is_some_and(|known| {
            known.registered.is_some() && known.crd.is_true(NAMES_ACCEPTED) && !known.crd.is_true(ESTABLISHED)
        })
    }

    /// Changes a status, and keeps what was written.
    async fn write_status(&mut self, name: &str, change: &dyn Fn(&mut Value)) -> Result<(), ApiError> {
        let object = write_status(&self.context, &self.definition, name, change).await?;
        if let Some(object) = object
            && self.known.get(name).is_some_and(|known| known.object.revision() < object.revision())
        {
            self.keep(name, object);
        }
        Ok(())
    }

    /// Registers a definition's routes and claims if they are not what they should be. Why
    /// they cannot be is returned.
    fn register(&mut self, name: &str) -> Option<String> {
        let known = self.known.get(name)?;
        let wanted = Registered::of(&known.crd);
        let served = known.crd.is_served() && !wanted.names.plural.is_empty();
        if !served {
            if known.registered.is_some() {
                self.unregister(name);
            }
            return None;
        }
        if known.registered.as_ref() == Some(&wanted) {
            return None;
        }
        let contents = match known.crd.overlaps_builtin() {
            // Requests for these never come here, and the objects are others'.
            true => Ok(Contents::new()),
            false => custom::decode_tag(&known.object.value())
                .map(|tag| routes::of_definition(&known.crd, tag, known.object.revision())),
        };
        let result = contents.and_then(|contents| contents.register(&routes::set_of(name)).map_err(|e| e.to_string()));
        if let Err(why) = result {
            log::error!("`{name}` cannot be served: {why}");
            return Some(why);
        }
        if let Some(known) = self.known.get_mut(name) {
            known.registered = Some(wanted);
        }
        self.discovery = true;
        None
    }

    fn unregister(&mut self, name: &str) {
        if let Err(error) = Contents::new().register(&routes::set_of(name)) {
            log::error!("the routes of `{name}` stay: {error}");
        }
        if let Some(known) = self.known.get_mut(name) {
            known.registered = None;
        }
        self.discovery = true;
    }

    fn register_discovery(&mut self) {
        if !std::mem::take(&mut self.discovery) {
            return;
        }
        let mut served: Vec<&Crd> =
            self.known.values().filter(|known| known.registered.is_some()).map(|known| &known.crd).collect();
        served.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        let contents = routes::of_discovery(&self.definition, &served, self.revision);
        if let Err(error) = contents.register(routes::DISCOVERY_SET) {
            log::error!("discovery is not up to date: {error}");
        }
    }

    /// The first time that all routes are there.
    fn finish_first_sync(&mut self) {
        if std::mem::replace(&mut self.complete, true) {
            return;
        }
        if let Err(error) = registration::routes_complete(NOT_SYNCED) {
            log::error!("the routes of all definitions are there, but the host does not take it: {error}");
        }
        self.context.ready();
    }

    /// Removes the objects of a definition that is deleted, beside everything else.
    fn finalize(&self, name: &str) {
        let going = |known: &Known| {
            known.crd.is_deleting() && known.crd.metadata.finalizers.iter().any(|f| f == crd::FINALIZER)
        };
        if !self.known.get(name).is_some_and(going) || !self.finalizing.borrow_mut().insert(name.to_string()) {
            return;
        }
        let (context, finalizing, name) = (self.context.clone(), self.finalizing.clone(), name.to_string());
        spawn(async move {
            finalize::run(&context, &name).await;
            finalizing.borrow_mut().remove(&name);
        });
    }
}

/// Changes the status of a definition as `kube-apiserver`; nothing if there is none any more,
/// or the change took it away.
pub(super) async fn write_status(
    context: &HookContext,
    definition: &Definition,
    name: &str,
    change: &dyn Fn(&mut Value),
) -> Result<Option<Object>, ApiError> {
    let store = context.store();
    let groups = ["system:masters".to_string()];
    let registry = Registry { subresource: "status", ..Registry::for_server(definition, &store, &groups) };
    let mut next = |current: Option<&Value>| {
        let mut object = current.cloned().unwrap_or_default();
        change(&mut object);
        Ok(object)
    };
    match registry.update("", name, &Change::default(), &mut next).await {
        Ok(outcome) => match outcome.written {
            Written::Object(object) => Ok(Some(object)),
            Written::Tree(_) => Ok(None),
        },
        Err(error) if error.code == 404 => Ok(None),
        Err(error) => Err(error),
    }
}
