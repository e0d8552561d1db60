//! Flow control: which requests belong together, and how many run at a time.

use std::collections::BTreeSet;

use apimachinery::schema::internal;
use apimachinery::tree::Value;
use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

use super::rules::{RULES, Rules};
use crate::hooks::bootstrap;
use crate::tree::{child, existing, or_set};

const PRECEDENCE_MAX: i64 = 10_000;
const QUEUES_MAX: i64 = 10_000_000;
/// As upstream sorts them.
const VERBS: [&str; 9] = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];
const NAMESPACE: &str = "each member of this list must be '*' or a DNS-1123 label; ";
/// Bits of the hash from which hands are dealt.
const HASH_BITS: u32 = 60;

pub(super) static FLOW_SCHEMAS: Rules = Rules {
    default: |object| {
        let spec = child(object, "spec");
        if spec["matchingPrecedence"].as_i64().unwrap_or(0) == 0 {
            spec["matchingPrecedence"] = 1000.into();
        }
    },
    validate: |object, findings| {
        flow_schema(object, findings);
        unless_fixed(object, "FlowSchema", FLOW_SCHEMAS.default, findings);
        conditions(object, findings);
    },
    status: |object, _, findings| conditions(object, findings),
    generation: true,
    ..RULES
};

pub(super) static PRIORITY_LEVELS: Rules = Rules {
    default: level_defaults,
    validate: |object, findings| {
        level(object, findings);
        unless_fixed(object, "PriorityLevelConfiguration", level_defaults, findings);
        conditions(object, findings);
    },
    status: |object, _, findings| conditions(object, findings),
    generation: true,
    ..RULES
};

/// What has to be there for every server is what it was made as; who is exempt may have shares.
fn unless_fixed(object: &Place<'_, '_>, kind: &str, default: fn(&mut Value), findings: &mut Findings) {
    const FIXED: [&str; 2] = ["catch-all", "exempt"];
    let (name, spec) = (object.at("metadata.name").text(), object.at("spec"));
    if !FIXED.contains(&name) {
        return;
    }
    let Some(mut wanted) = bootstrap::wanted(kind, name) else { return };
    default(&mut wanted);
    let level = kind == "PriorityLevelConfiguration";
    let mut own = spec.value().clone();
    let why = if level && name == "exempt" {
        own["exempt"] = wanted["spec"]["exempt"].clone();
        format!("spec of '{name}' except the 'spec.exempt' field must equal the fixed value")
    } else {
        format!("spec of '{name}' must equal the fixed value")
    };
    if own != wanted["spec"] {
        let shown = internal::show(&format!("io.k8s.api.flowcontrol.v1.{kind}Spec"), spec.value());
        spec.invalid_as(&shown, why, findings);
    }
}

fn conditions(object: &Place<'_, '_>, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for condition in object.at("status.conditions").items() {
        let kind = condition.at("type");
        if !seen.insert(kind.text()) {
            kind.duplicate(findings);
        }
        kind.must_be_given(findings);
    }
}

fn flow_schema(object: &Place<'_, '_>, findings: &mut Findings) {
    let spec = object.at("spec");
    let precedence = spec.at("matchingPrecedence");
    match precedence.number().unwrap_or(0) {
        ..=0 => precedence.invalid("must be a positive value", findings),
        PRECEDENCE_MAX.. if precedence.number() != Some(PRECEDENCE_MAX) => {
            precedence.invalid(format!("must not be greater than {PRECEDENCE_MAX}"), findings);
        }
        1 if object.at("metadata.name").text() != "exempt" => {
            precedence.invalid("only the schema named 'exempt' may have matchingPrecedence 1", findings);
        }
        _ => {}
    }
    let method = spec.at("distinguisherMethod");
    if method.is_given() && !["ByNamespace", "ByUser"].contains(&method.at("type").text()) {
        let shown = internal::show("io.k8s.api.flowcontrol.v1.FlowDistinguisherMethod", method.value());
        method.at("type").with(&shown).unsupported(&["ByNamespace", "ByUser"], findings);
    }
    let level = spec.at("priorityLevelConfiguration.name");
    match level.is_empty() {
        true => level.required("must reference a priority level", findings),
        false => drop(level.shaped(names::dns1123_subdomain, findings)),
    }
    for rule in spec.at("rules").items() {
        let subjects = rule.at("subjects");
        if subjects.is_empty() {
            subjects.required("subjects must contain at least one value", findings);
        }
        subjects.items().for_each(|subject| self::subject(&subject, findings));
        let (resources, others) = (rule.at("resourceRules"), rule.at("nonResourceRules"));
        if resources.is_empty() && others.is_empty() {
            rule.required("at least one of resourceRules and nonResourceRules has to be non-empty", findings);
        }
        resources.items().for_each(|rule| resource_rule(&rule, findings));
        others.items().for_each(|rule| path_rule(&rule, findings));
    }
}

fn subject(subject: &Place<'_, '_>, findings: &mut Findings) {
    const KINDS: [(&str, &str); 3] = [("ServiceAccount", "serviceAccount"), ("User", "user"), ("Group", "group")];
    let kind = subject.at("kind");
    let Some((_, own)) = KINDS.iter().find(|(name, _)| *name == kind.text()) else {
        return kind.unsupported(&["Group", "ServiceAccount", "User"], findings);
    };
    let place = subject.at(own);
    if place.is_given() {
        let name = place.at("name");
        name.must_be_given(findings);
        if kind.text() == "ServiceAccount" {
            if name.text() != "*" {
                name.optional_shaped(names::dns1123_subdomain, findings);
            }
            let namespace = place.at("namespace");
            match namespace.is_empty() {
                true => namespace.required("must specify namespace for service account", findings),
                false => drop(namespace.shaped(names::dns1123_label, findings)),
            }
        }
    } else {
        place.required(&format!("{own} is required when subject kind is '{}'", kind.text()), findings);
    }
    // Upstream looks for the other two in this order.
    for (name, field) in [("ServiceAccount", "serviceAccount"), ("User", "user"), ("Group", "group")] {
        if field != *own && subject.at(field).is_given() {
            let why = format!("{field} is forbidden when subject kind is not '{name}'");
            subject.at(field).forbidden(why, findings);
        }
    }
}

fn verbs(verbs: &Place<'_, '_>, findings: &mut Findings) {
    let any = verbs.items().any(|verb| verb.text() == "*");
    if verbs.is_empty() {
        verbs.required("verbs must contain at least one value", findings);
    } else if any && verbs.count() > 1 {
        verbs.invalid("if '*' is present, must not specify other verbs", findings);
    } else if !any && verbs.items().any(|verb| !VERBS.contains(&verb.text())) {
        verbs.unsupported(&VERBS, findings);
    }
}

fn list_with_wildcard(list: &Place<'_, '_>, none: &str, others: &str, findings: &mut Findings) -> bool {
    let any = list.items().any(|item| item.text() == "*");
    if list.is_empty() {
        list.required(none, findings);
    } else if any && list.count() > 1 {
        list.invalid(format!("if '*' is present, must not specify other {others}"), findings);
    }
    any
}

fn resource_rule(rule: &Place<'_, '_>, findings: &mut Findings) {
    verbs(&rule.at("verbs"), findings);
    let none = "resource rules must supply at least one api group";
    list_with_wildcard(&rule.at("apiGroups"), none, "api groups", findings);
    list_with_wildcard(
        &rule.at("resources"),
        "resource rules must supply at least one resource",
        "resources",
        findings,
    );
    let namespaces = rule.at("namespaces");
    if namespaces.is_empty() && rule.at("clusterScope").is_true() {
        return;
    }
    let none = "resource rules that are not cluster scoped must supply at least one namespace";
    if !list_with_wildcard(&namespaces, none, "namespaces", findings) {
        for namespace in namespaces.items() {
            for why in names::dns1123_label(namespace.text()) {
                namespace.invalid(format!("{NAMESPACE}{why}"), findings);
            }
        }
    }
}

fn path_rule(rule: &Place<'_, '_>, findings: &mut Findings) {
    verbs(&rule.at("verbs"), findings);
    let paths = rule.at("nonResourceURLs");
    let none = "nonResourceURLs must contain at least one value";
    if list_with_wildcard(&paths, none, "non-resource URLs", findings) {
        return;
    }
    for path in paths.items() {
        let text = path.text();
        let stars = text.matches('*').count();
        let why = match text {
            "" => "must not be empty",
            "/" => continue,
            _ if !text.starts_with('/') => "must start with slash",
            _ if text.contains(' ') => "must not contain white-space",
            _ if text.contains("//") => "must not contain double slash",
            _ if stars > 1 || (stars == 1 && !text.ends_with("/*")) => "wildcard can only do suffix matching",
            _ => continue,
        };
        path.invalid(why, findings);
    }
}

fn level_defaults(object: &mut Value) {
    let spec = child(object, "spec");
    if let Some(exempt) = existing(spec, "exempt") {
        or_set(exempt, "nominalConcurrencyShares", 0);
        or_set(exempt, "lendablePercent", 0);
    }
    if let Some(limited) = existing(spec, "limited") {
        or_set(limited, "nominalConcurrencyShares", 30);
        or_set(limited, "lendablePercent", 0);
        if let Some(queuing) = existing(child(limited, "limitResponse"), "queuing") {
            for (key, value) in [("handSize", 8), ("queues", 64), ("queueLengthLimit", 50)] {
                if queuing[key].as_i64().unwrap_or(0) == 0 {
                    queuing[key] = value.into();
                }
            }
        }
    }
}

fn level(object: &Place<'_, '_>, findings: &mut Findings) {
    let spec = object.at("spec");
    let (kind, limited, exempt) = (spec.at("type"), spec.at("limited"), spec.at("exempt"));
    if (object.at("metadata.name").text() == "exempt") != (kind.text() == "Exempt") {
        kind.invalid("must be 'Exempt' if and only if `name` is 'exempt'", findings);
    }
    match kind.text() {
        "Exempt" => {
            if limited.is_given() {
                limited.forbidden("must be nil if the type is not Limited", findings);
            }
            shares(&exempt, findings);
        }
        "Limited" => {
            if exempt.is_given() {
                exempt.forbidden("must be nil if the type is Limited", findings);
            }
            if !limited.is_given() {
                return limited.required("must not be empty when type is Limited", findings);
            }
            not_negative(&limited.at("nominalConcurrencyShares"), "must be a non-negative integer", findings);
            response(&limited.at("limitResponse"), findings);
            limited.at("lendablePercent").between(0, 100, findings);
            let why = "if specified, must be a non-negative integer";
            not_negative(&limited.at("borrowingLimitPercent"), why, findings);
        }
        _ => kind.one_of(&["Exempt", "Limited"], findings),
    }
}

fn shares(exempt: &Place<'_, '_>, findings: &mut Findings) {
    not_negative(&exempt.at("nominalConcurrencyShares"), "must be a non-negative integer", findings);
    exempt.at("lendablePercent").between(0, 100, findings);
}

fn not_negative(number: &Place<'_, '_>, why: &str, findings: &mut Findings) {
    if number.number().is_some_and(|number| number < 0) {
        number.invalid(why, findings);
    }
}

fn response(response: &Place<'_, '_>, findings: &mut Findings) {
    let (kind, queuing) = (response.at("type"), response.at("queuing"));
    match kind.text() {
        "Reject" if queuing.is_given() => {
            queuing.forbidden("must be nil if limited.limitResponse.type is not Limited", findings);
        }
        "Reject" => {}
        "Queue" if !queuing.is_given() => {
            queuing.required("must not be empty if limited.limitResponse.type is Limited", findings);
        }
        "Queue" => self::queuing(&queuing, findings),
        _ => kind.one_of(&["Queue", "Reject"], findings),
    }
}

fn queuing(queuing: &Place<'_, '_>, findings: &mut Findings) {
    let (length, queues, hand) = (queuing.at("queueLengthLimit"), queuing.at("queues"), queuing.at("handSize"));
    let number = |place: &Place<'_, '_>| place.number().unwrap_or(0);
    if number(&length) <= 0 {
        length.invalid("must be positive", findings);
    }
    if number(&queues) <= 0 {
        queues.invalid("must be positive", findings);
    } else if number(&queues) > QUEUES_MAX {
        queues.invalid(format!("must not be greater than {QUEUES_MAX}"), findings);
    }
    let (deck, dealt) = (number(&queues), number(&hand));
    if dealt <= 0 {
        hand.invalid("must be positive", findings);
    } else if dealt > deck {
        hand.invalid(format!("should not be greater than queues ({deck})"), findings);
    } else if entropy_bits(deck, dealt) > HASH_BITS {
        let why = format!(
            "required entropy bits of deckSize {deck} and handSize {dealt} should not be greater than {HASH_BITS}"
        );
        hand.invalid(why, findings);
    }
}

/// How many bits choose a hand from a deck.
fn entropy_bits(deck: i64, hand: i64) -> u32 {
    ((deck as f64).log2() * hand as f64).ceil() as u32
}
