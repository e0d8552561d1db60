//! What may stand in the path and the query of an operation.

use std::borrow::Cow;

use crate::tree::{Value, json};

/// A parameter of an operation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// `path` or `query`.
    place: &'static str,
    kind: &'static str,
    description: Cow<'static, str>,
}

impl Parameter {
    pub(super) fn path(name: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self { name, place: "path", kind: "string", description: description.into() }
    }

    pub(super) fn to_value(&self) -> Value {
        let Self { name, place, kind, description } = self;
        let schema = json!({ "type": kind, "uniqueItems": true });
        match *place {
            "path" => {
                json!({ "name": name, "in": place, "description": description, "required": true, "schema": schema })
            }
            _ => json!({ "name": name, "in": place, "description": description, "schema": schema }),
        }
    }
}

/// A parameter of the query: its name, type and meaning.
pub(super) type Query = (&'static str, &'static str, &'static str);

pub(super) fn query(queries: &[Query]) -> impl Iterator<Item = Parameter> {
    queries.iter().map(|&(name, kind, text)| Parameter { name, place: "query", kind, description: text.into() })
}

pub(super) fn namespace() -> Parameter {
    Parameter::path("namespace", "The namespace that the object is in.")
}

pub(super) const PRETTY: Query =
    ("pretty", "string", "Whether the answer is indented. Unless it is said here, it is for browsers, curl and wget.");

const DRY_RUN: Query =
    ("dryRun", "string", "With `All`, everything is done but keeping the result. No other value is allowed.");
const FIELD_MANAGER: Query = (
    "fieldManager",
    "string",
    "Who makes the change, in at most 128 printable characters; unless it is said here, the first part of the user agent.",
);
const PATCH_MANAGER: Query = (
    "fieldManager",
    "string",
    "Who makes the change, in at most 128 printable characters. An apply has to say it; for the other patches it is the \
     first part of the user agent unless it is said here.",
);
const FIELD_VALIDATION: Query = (
    "fieldValidation",
    "string",
    "What becomes of fields that are unknown or given twice: with `Ignore` they are dropped, with `Warn` (the default) \
     there is a warning for each, with `Strict` the request is refused.",
);

/// Of creating and replacing.
pub(super) const WRITE: &[Query] = &[DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION];

pub(super) const PATCH: &[Query] = &[
    DRY_RUN,
    PATCH_MANAGER,
    FIELD_VALIDATION,
    ("force", "boolean", "Whether an apply takes fields that others own. Only an apply may have it."),
];

pub(super) const DELETE: &[Query] = &[
    DRY_RUN,
    (
        "gracePeriodSeconds",
        "integer",
        "How many seconds the object has to end. 0 removes it at once; unless it is said here, it is up to the object.",
    ),
    (
        "ignoreStoreReadErrorWithClusterBreakingPotential",
        "boolean",
        "Whether an object is removed that cannot be read any more, without regard to its finalizers. What relies on an \
         orderly deletion may break.",
    ),
    (
        "orphanDependents",
        "boolean",
        "Whether objects that belong to this one stay. Deprecated: `propagationPolicy` says it, too.",
    ),
    (
        "propagationPolicy",
        "string",
        "What becomes of the objects that belong to this one: `Orphan` leaves them, `Background` removes them later, \
         `Foreground` removes them first.",
    ),
];

const BOOKMARKS: Query =
    ("allowWatchBookmarks", "boolean", "Whether a watch may have events that only tell which version it has reached.");
const WATCH: Query =
    ("watch", "boolean", "Whether changes are answered as they happen, from `resourceVersion` on, in place of a list.");
const RESOURCE_VERSION: Query = (
    "resourceVersion",
    "string",
    "Which version of the data the answer may be of. Unless it is said here, it is the newest.",
);

/// Of the reads of custom resources.
pub(super) const READ: &[Query] = &[RESOURCE_VERSION];

pub(super) const LIST: &[Query] = &[
    BOOKMARKS, SELECT[0], SELECT[1], SELECT[2], SELECT[3], SELECT[4], SELECT[5], SELECT[6], SELECT[7], SELECT[8], WATCH,
];

/// Of deleting what a list would show, beside those of [`DELETE`].
pub(super) const SELECT: &[Query] = &[
    ("continue", "string", "The token that came with the last page, for the next one. It is of no use for long."),
    ("fieldSelector", "string", "Which objects, by the values of their fields. All unless it is said here."),
    ("labelSelector", "string", "Which objects, by their labels. All unless it is said here."),
    ("limit", "integer", "How many objects a page of the list may have. If there are more, a token comes with it."),
    RESOURCE_VERSION,
    (
        "resourceVersionMatch",
        "string",
        "Whether a list is of just the version that is asked for (`Exact`) or may be newer (`NotOlderThan`).",
    ),
    (
        "sendInitialEvents",
        "boolean",
        "Whether a watch begins with an event for every object that there is, and a bookmark behind the last of them. \
         It takes `resourceVersionMatch=NotOlderThan`.",
    ),
    (
        "shardSelector",
        "string",
        "Which share of the objects, by ranges of a hash of one of their fields. All unless it is said here.",
    ),
    ("timeoutSeconds", "integer", "After how many seconds a list or a watch ends, however far it is."),
];

/// Those of requests that are about more than an object, by their kind.
pub(super) fn of_options(kind: &str) -> &'static [Query] {
    OPTIONS.iter().find(|(known, _)| *known == kind).map_or(&[], |(_, queries)| queries)
}

const OPTIONS: &[(&str, &[Query])] = &[
    (
        "PodAttachOptions",
        &[
            ("container", "string", "The container to attach to. A pod with one container has no need of it."),
            ("stderr", "boolean", "Whether the container's error output is sent. It is unless this says otherwise."),
            ("stdin", "boolean", "Whether the container gets an input."),
            ("stdout", "boolean", "Whether the container's output is sent. It is unless this says otherwise."),
            ("tty", "boolean", "Whether the container's terminal is attached to."),
        ],
    ),
    (
        "PodExecOptions",
        &[
            ("command", "string", "The program and its arguments, each as a parameter. No shell reads them."),
            ("container", "string", "The container to run it in. A pod with one container has no need of it."),
            ("stderr", "boolean", "Whether the program's error output is sent."),
            ("stdin", "boolean", "Whether the program gets an input."),
            ("stdout", "boolean", "Whether the program's output is sent."),
            ("tty", "boolean", "Whether the program gets a terminal."),
        ],
    ),
    ("PodPortForwardOptions", &[("ports", "integer", "The ports to forward to, for clients that use websockets.")]),
    (
        "PodLogOptions",
        &[
            ("container", "string", "The container whose log it is. A pod with one container has no need of it."),
            ("follow", "boolean", "Whether what is written later is sent, too."),
            (
                "insecureSkipTLSVerifyBackend",
                "boolean",
                "Whether the log is taken from a node whose certificate nobody vouches for.",
            ),
            ("limitBytes", "integer", "How many bytes are sent at most."),
            ("previous", "boolean", "Whether the log is that of the container before it was last started again."),
            ("sinceSeconds", "integer", "How many seconds back the log begins."),
            ("stream", "string", "Which output is sent: `All`, `Stdout` or `Stderr`."),
            ("tailLines", "integer", "How many of the last lines are sent."),
            ("timestamps", "boolean", "Whether each line begins with the time at which it was written."),
        ],
    ),
    ("PodProxyOptions", &[("path", "string", "The path that the pod is asked for.")]),
    ("ServiceProxyOptions", &[("path", "string", "The path that the service is asked for, with its query.")]),
    ("NodeProxyOptions", &[("path", "string", "The path that the node is asked for.")]),
];
