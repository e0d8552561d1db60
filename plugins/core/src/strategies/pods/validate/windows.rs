//! Pods of Windows nodes, and what belongs to other nodes alone.

use apimachinery::schema::pattern::Pattern;
use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

use super::visit;

const SPECIFICATION_BYTES_MAX: usize = 64 * 1024;
const DOMAIN_LENGTH_MAX: usize = 256;
const USER_LENGTH_MAX: usize = 104;
const FOREIGN: &str = "cannot be set for a windows pod";

pub(super) fn options(options: &Place<'_, '_>, findings: &mut Findings) {
    let name = options.at("gmsaCredentialSpecName");
    if name.is_given() {
        name.shaped(names::dns1123_subdomain, findings);
    }
    let specification = options.at("gmsaCredentialSpec");
    if specification.is_given() {
        match specification.text().len() {
            0 => specification.invalid("gmsaCredentialSpec cannot be an empty string", findings),
            bytes if bytes > SPECIFICATION_BYTES_MAX => {
                specification.invalid("gmsaCredentialSpec size must be under 64 KiB", findings);
            }
            _ => {}
        }
    }
    let user = options.at("runAsUserName");
    if user.is_given() {
        user_name(user.text()).into_iter().for_each(|why| user.invalid(why, findings));
    }
}

fn user_name(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split('\\').collect();
    let said = |why: &str| vec![format!("runAsUserName{why}")];
    if text.is_empty() {
        return said(" cannot be an empty string");
    } else if text.chars().any(|character| character.is_ascii_control()) {
        return said(" cannot contain control characters");
    } else if parts.len() > 2 {
        return said(" cannot contain more than one backslash");
    }
    let (domain, user) = match parts[..] {
        [domain, user] => (Some(domain), user),
        _ => (None, text),
    };
    let mut wrong = Vec::new();
    if domain.is_some_and(|domain| domain.len() >= DOMAIN_LENGTH_MAX) {
        wrong.extend(said(&format!("'s Domain length must be under {DOMAIN_LENGTH_MAX} characters")));
    }
    if domain.is_some_and(|domain| !is_domain(domain)) {
        wrong.extend(said("'s Domain doesn't match the NetBios nor the DNS format"));
    }
    if user.is_empty() {
        wrong.extend(said("'s User cannot be empty"));
    } else if user.len() > USER_LENGTH_MAX {
        wrong.extend(said(&format!("'s User length must not be longer than {USER_LENGTH_MAX} characters")));
    }
    if !user.is_empty() && user.chars().all(|character| matches!(character, '.' | ' ')) {
        wrong.extend(said("'s User cannot contain only periods or spaces"));
    }
    if user.contains(|character| r#""/\:;|=,+*?<>@[]"#.contains(character)) {
        wrong.extend(said(r#"'s User cannot contain the following characters: "/\:;|=,+*?<>@[]"#));
    }
    wrong
}

fn is_domain(domain: &str) -> bool {
    const LABEL: &str = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
    let net_bios = Pattern::new(r#"^[^\\/:\*\?"<>|\.][^\\/:\*\?"<>|]{0,14}$"#);
    net_bios.matches(domain) || Pattern::new(format!(r"^{LABEL}(?:\.{LABEL})*$")).matches(domain)
}

/// Containers that run as processes of the host: all of a pod, or none.
pub(super) fn host_process(spec: &Place<'_, '_>, findings: &mut Findings) {
    let of_pod = spec.at("securityContext.windowsOptions.hostProcess");
    let (mut all, mut on_host) = (0, 0);
    visit(spec, |container| {
        all += 1;
        let own = container.at("securityContext.windowsOptions.hostProcess");
        if of_pod.is_given() && own.is_given() && of_pod.value() != own.value() {
            let why = format!("pod hostProcess value must be identical if both are specified, was {}", of_pod.value());
            own.invalid(why, findings);
        }
        if own.is_true() || (!own.is_given() && of_pod.is_true()) {
            on_host += 1;
        }
    });
    if on_host == 0 {
        return;
    }
    if on_host != all {
        let why = "If pod contains any hostProcess containers then all containers must be HostProcess containers";
        spec.invalid_as(&"".into(), why, findings);
    }
    if !spec.at("hostNetwork").is_true() {
        let why = "hostNetwork must be true if pod contains any hostProcess containers";
        spec.at("hostNetwork").invalid_as(&false.into(), why, findings);
    }
}

pub(super) fn operating_system(spec: &Place<'_, '_>, findings: &mut Findings) {
    let os = spec.at("os");
    if !os.is_given() {
        return;
    }
    match os.at("name").text() {
        "" => os.at("name").required("", findings),
        "linux" => linux(spec, findings),
        "windows" => windows(spec, findings),
        _ => os.with(os.at("name").value()).unsupported(&["linux", "windows"], findings),
    }
}

fn linux(spec: &Place<'_, '_>, findings: &mut Findings) {
    const WHY: &str = "windows options cannot be set for a linux pod";
    let own = spec.at("securityContext.windowsOptions");
    if own.is_given() {
        own.forbidden(WHY, findings);
    }
    visit(spec, |container| {
        let own = container.at("securityContext.windowsOptions");
        if own.is_given() {
            own.forbidden(WHY, findings);
        }
    });
}

fn windows(spec: &Place<'_, '_>, findings: &mut Findings) {
    for field in [
        "securityContext.appArmorProfile",
        "securityContext.seLinuxOptions",
        "hostUsers",
        "hostPID",
        "hostIPC",
        "securityContext.seccompProfile",
        "securityContext.fsGroup",
        "securityContext.fsGroupChangePolicy",
        "securityContext.sysctls",
        "shareProcessNamespace",
        "securityContext.runAsUser",
        "securityContext.runAsGroup",
        "securityContext.supplementalGroups",
        "securityContext.supplementalGroupsPolicy",
        "securityContext.seLinuxChangePolicy",
    ] {
        let field_at = spec.at(field);
        let set = match field {
            "hostPID" | "hostIPC" => field_at.is_true(),
            "securityContext.sysctls" => !field_at.is_empty(),
            _ => field_at.is_given(),
        };
        if set {
            field_at.forbidden(FOREIGN, findings);
        }
    }
    visit(spec, |container| {
        let context = container.at("securityContext");
        for field in [
            "appArmorProfile",
            "seLinuxOptions",
            "seccompProfile",
            "capabilities",
            "readOnlyRootFilesystem",
            "privileged",
            "allowPrivilegeEscalation",
            "procMount",
            "runAsUser",
            "runAsGroup",
        ] {
            if context.at(field).is_given() {
                context.at(field).forbidden(FOREIGN, findings);
            }
        }
    });
}
