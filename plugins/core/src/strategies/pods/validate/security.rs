//! As whom containers run, and what they may do.

use std::collections::BTreeSet;

use apimachinery::schema::internal;
use apimachinery::validation::place::{Findings, Place};

use super::{visit, volumes, windows};

const ID_MAX: i64 = i32::MAX as i64;
const PROFILES: [&str; 3] = ["Localhost", "RuntimeDefault", "Unconfined"];
const PROFILE_PATH_MAX: usize = 4095;
const SYSCTL_LENGTH_MAX: usize = 253;
const OTHER_USERS: &str = "when `hostUsers` is false";

pub(super) fn of_pod(spec: &Place<'_, '_>, findings: &mut Findings) {
    let context = spec.at("securityContext");
    for field in ["fsGroup", "runAsUser", "runAsGroup"] {
        context.at(field).between(0, ID_MAX, findings);
    }
    context.at("supplementalGroups").items().for_each(|group| group.between(0, ID_MAX, findings));
    if spec.at("shareProcessNamespace").is_true() && spec.at("hostPID").is_true() {
        let why = "ShareProcessNamespace and HostPID cannot both be enabled";
        context.at("shareProcessNamespace").with(&true.into()).invalid(why, findings);
    }
    sysctls(spec, findings);
    context.at("fsGroupChangePolicy").none_or_one_of(&["Always", "OnRootMismatch"], findings);
    seccomp(&context.at("seccompProfile"), findings);
    windows::options(&context.at("windowsOptions"), findings);
    app_armor(&context.at("appArmorProfile"), findings);
    context.at("supplementalGroupsPolicy").none_or_one_of(&["Merge", "Strict"], findings);
    context.at("seLinuxChangePolicy").none_or_one_of(&["Recursive"], findings);
}

pub(super) fn of_container(context: &Place<'_, '_>, host_users: bool, findings: &mut Findings) {
    if !context.is_given() {
        return;
    }
    context.at("runAsUser").between(0, ID_MAX, findings);
    context.at("runAsGroup").between(0, ID_MAX, findings);
    let mount = context.at("procMount");
    if mount.is_given() {
        mount.none_or_one_of(&["Default", "Unmasked"], findings);
        if host_users && mount.text() == "Unmasked" {
            mount.invalid("`hostUsers` must be false to use `Unmasked`", findings);
        }
    }
    seccomp(&context.at("seccompProfile"), findings);
    if context.at("allowPrivilegeEscalation").value() == false {
        let shown = || internal::show("io.k8s.api.core.v1.SecurityContext", context.value());
        if context.at("privileged").is_true() {
            let why = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
            context.invalid_as(&shown(), why, findings);
        }
        for _ in context.at("capabilities.add").items().filter(|added| added.text() == "CAP_SYS_ADMIN") {
            let why = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
            context.invalid_as(&shown(), why, findings);
        }
    }
    windows::options(&context.at("windowsOptions"), findings);
    app_armor(&context.at("appArmorProfile"), findings);
}

fn seccomp(profile: &Place<'_, '_>, findings: &mut Findings) {
    if !profile.is_given() {
        return;
    }
    let (kind, path) = (profile.at("type"), profile.at("localhostProfile"));
    if kind.is_empty() {
        kind.required("type is required when seccompProfile is set", findings);
    } else {
        kind.none_or_one_of(&PROFILES, findings);
    }
    match (kind.text() == "Localhost", path.is_given()) {
        (true, true) => volumes::descending(&path, findings),
        (true, false) => path.required("must be set when seccomp type is Localhost", findings),
        (false, true) => {
            let shown = internal::show("io.k8s.api.core.v1.SeccompProfile", profile.value());
            path.invalid_as(&shown, "can only be set when seccomp type is Localhost", findings);
        }
        (false, false) => {}
    }
}

pub(in super::super) fn app_armor(profile: &Place<'_, '_>, findings: &mut Findings) {
    if !profile.is_given() {
        return;
    }
    let (kind, path) = (profile.at("type"), profile.at("localhostProfile"));
    match kind.text() {
        "Localhost" => {
            if !path.is_given() {
                return path.required("must be set when AppArmor type is Localhost", findings);
            }
            if path.text().trim() != path.text() {
                path.invalid("must not be padded with whitespace", findings);
            } else if path.is_empty() {
                path.required("must be set when AppArmor type is Localhost", findings);
            }
            if path.text().len() > PROFILE_PATH_MAX {
                path.too_long(PROFILE_PATH_MAX, findings);
            }
        }
        "RuntimeDefault" | "Unconfined" => {
            if path.is_given() {
                path.invalid("can only be set when AppArmor type is Localhost", findings);
            }
        }
        "" => kind.required("type is required when appArmorProfile is set", findings),
        _ => kind.unsupported(&PROFILES, findings),
    }
}

fn sysctls(spec: &Place<'_, '_>, findings: &mut Findings) {
    let mut names = BTreeSet::new();
    for sysctl in spec.at("securityContext.sysctls").items() {
        let name = sysctl.at("name");
        if name.is_empty() {
            name.required("", findings);
        } else if !is_sysctl(name.text()) {
            let shape = "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
            let why = format!("must have at most {SYSCTL_LENGTH_MAX} characters and match regex {shape}");
            name.invalid(why, findings);
        } else if names.contains(name.text()) {
            name.duplicate(findings);
        }
        let dotted = name.text().replace('/', ".");
        if spec.at("hostNetwork").is_true() && dotted.starts_with("net.") {
            name.invalid("may not be specified when 'hostNetwork' is true", findings);
        } else if spec.at("hostIPC").is_true() && is_ipc(&dotted) {
            name.invalid("may not be specified when 'hostIPC' is true", findings);
        }
        names.insert(name.text());
    }
}

fn is_sysctl(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= SYSCTL_LENGTH_MAX
        && name.split(['.', '/']).all(|part| {
            !part.is_empty()
                && part.bytes().all(|byte| inner(byte) || matches!(byte, b'-' | b'_'))
                && part.bytes().next().is_some_and(inner)
                && part.bytes().next_back().is_some_and(inner)
        })
}

/// Kernel parameters that belong to the namespace of inter-process communication.
fn is_ipc(name: &str) -> bool {
    const NAMES: [&str; 10] = [
        "kernel.sem",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
        "kernel.shm_rmid_forced",
        "kernel.shm",
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.msg",
    ];
    NAMES.contains(&name) || name.starts_with("fs.mqueue.")
}

/// A pod with users of its own shares little with its host.
pub(super) fn own_users(spec: &Place<'_, '_>, findings: &mut Findings) {
    if spec.at("hostUsers").value() != false {
        return;
    }
    if spec.at("hostNetwork").is_true() {
        spec.at("hostNetwork").forbidden(OTHER_USERS, findings);
    }
    // As upstream writes them.
    for (field, shown) in [("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
        if spec.at(field).is_true() {
            spec.at(shown).forbidden(OTHER_USERS, findings);
        }
    }
    visit(spec, |container| {
        if !container.at("volumeDevices").is_empty() {
            container.at("volumeDevices").forbidden(OTHER_USERS, findings);
        }
    });
}
