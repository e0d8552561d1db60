//! Volumes and their sources, of pods and, where they share them, of persistent volumes.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::codec::quantity::Quantity;
use apimachinery::schema::pattern::Pattern;
use apimachinery::tree::Value;
use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

use super::{claims, environment, projections};

const MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";
const MODE_MAX: i64 = 0o777;
const PARTITION: &str = "must be between 1 and 255, inclusive";

/// A source by its field, how its path starts where that differs, and its rules.
type Source = (&'static str, &'static str, fn(&Place<'_, '_>, &mut Findings));

/// In the order in which upstream looks for them; the first is the volume's.
const SOURCES: [Source; 30] = [
    ("emptyDir", "", empty_dir),
    ("hostPath", "", host_path),
    ("gitRepo", "", git_repo),
    ("gcePersistentDisk", "persistentDisk", gce_disk),
    ("awsElasticBlockStore", "", block_store),
    ("secret", "", secret),
    ("nfs", "", nfs),
    ("iscsi", "", iscsi),
    ("glusterfs", "", glusterfs),
    ("flocker", "", flocker),
    ("persistentVolumeClaim", "", |source, findings| source.at("claimName").must_be_given(findings)),
    ("rbd", "", rbd),
    ("cinder", "", cinder),
    ("cephfs", "", |source, findings| source.at("monitors").must_be_given(findings)),
    ("quobyte", "", quobyte),
    ("downwardAPI", "", downward),
    ("fc", "", fibre_channel),
    ("flexVolume", "", flex),
    ("configMap", "", config_map),
    ("azureFile", "", azure_file),
    ("vsphereVolume", "", |source, findings| source.at("volumePath").must_be_given(findings)),
    ("photonPersistentDisk", "", |source, findings| source.at("pdID").must_be_given(findings)),
    ("portworxVolume", "", |source, findings| source.at("volumeID").must_be_given(findings)),
    ("azureDisk", "", azure_disk),
    ("storageos", "", storage_os),
    ("projected", "", projections::projected),
    ("scaleIO", "", scale_io),
    ("csi", "", csi),
    ("ephemeral", "", claims::ephemeral),
    ("image", "", |_, _| {}),
];

/// The volumes that are right, by their names.
pub(super) fn all<'v>(
    volumes: &Place<'_, 'v>,
    pod_name: &str,
    is_pod: bool,
    findings: &mut Findings,
) -> BTreeMap<&'v str, &'v Value> {
    let mut found = BTreeMap::new();
    let made: BTreeSet<String> = volumes
        .items()
        .filter(|volume| !pod_name.is_empty() && volume.at("ephemeral").is_given())
        .map(|volume| format!("{pod_name}-{}", volume.at("name").text()))
        .collect();
    for volume in volumes.items() {
        let before = findings.len();
        source(&volume, pod_name, is_pod, findings);
        let name = volume.at("name");
        name.required_shaped(names::dns1123_label, findings);
        if found.contains_key(name.text()) {
            name.duplicate(findings);
        }
        if findings.len() == before {
            found.insert(name.text(), volume.value());
        }
        let claim = volume.at("persistentVolumeClaim.claimName");
        if made.contains(claim.text()) {
            claim.invalid("must not reference a PVC that gets created for an ephemeral volume", findings);
        }
    }
    found
}

fn source(volume: &Place<'_, '_>, pod_name: &str, is_pod: bool, findings: &mut Findings) {
    let mut chosen = false;
    for (field, shown, rules) in SOURCES {
        let source = volume.at(field);
        if !source.is_given() {
            continue;
        }
        if chosen {
            let shown = match field {
                // As upstream spells them.
                "downwardAPI" => "downwarAPI",
                "cephfs" => "cephFS",
                _ => field,
            };
            volume.at(shown).forbidden("may not specify more than 1 volume type", findings);
        } else {
            chosen = true;
            let place = if shown.is_empty() { volume.at(field) } else { volume.at(shown).with(source.value()) };
            rules(&place, findings);
            match field {
                "ephemeral" => claim_name(volume, pod_name, findings),
                "image" => image(&place, is_pod, findings),
                _ => {}
            }
        }
        if field == "iscsi" && source.at("initiatorName").is_given() {
            let (name, portal) = (volume.at("name"), source.at("targetPortal"));
            if name.text().len() + 1 + portal.text().len() > 64 {
                name.invalid(INITIATOR_LENGTH, findings);
            }
        }
    }
    if !chosen {
        volume.required("must specify a volume type", findings);
    }
}

/// The claim that is made for the volume is named after pod and volume.
fn claim_name(volume: &Place<'_, '_>, pod_name: &str, findings: &mut Findings) {
    let name = volume.at("name");
    if pod_name.is_empty() || name.is_empty() {
        return;
    }
    let claim = format!("{pod_name}-{}", name.text());
    for why in names::dns1123_subdomain(&claim) {
        name.invalid(format!("PVC name {}: {why}", apimachinery::validation::quoted(&claim)), findings);
    }
}

fn image(source: &Place<'_, '_>, is_pod: bool, findings: &mut Findings) {
    if is_pod {
        source.at("reference").must_be_given(findings);
    }
    source.at("pullPolicy").one_of(&["Always", "IfNotPresent", "Never"], findings);
}

fn empty_dir(source: &Place<'_, '_>, findings: &mut Findings) {
    let limit = source.at("sizeLimit");
    if Quantity::parse(limit.text()).is_ok_and(|limit| limit.nanos() < 0) {
        limit.forbidden("SizeLimit field must be a valid resource quantity", findings);
    }
}

pub(crate) fn host_path(source: &Place<'_, '_>, findings: &mut Findings) {
    const TYPES: [&str; 8] =
        ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
    let path = source.at("path");
    if path.is_empty() {
        return path.required("", findings);
    }
    no_steps_back(&path, findings);
    source.at("type").none_or_one_of(&TYPES, findings);
}

fn git_repo(source: &Place<'_, '_>, findings: &mut Findings) {
    source.at("repository").must_be_given(findings);
    descending(&source.at("directory"), findings);
}

pub(crate) fn gce_disk(source: &Place<'_, '_>, findings: &mut Findings) {
    source.at("pdName").must_be_given(findings);
    partition(&source.at("partition"), findings);
}

pub(crate) fn block_store(source: &Place<'_, '_>, findings: &mut Findings) {
    source.at("volumeID").must_be_given(findings);
    partition(&source.at("partition"), findings);
}

fn partition(partition: &Place<'_, '_>, findings: &mut Findings) {
    if partition.number().is_some_and(|number| !(0..=255).contains(&number)) {
        partition.invalid(PARTITION, findings);
    }
}

fn secret(source: &Place<'_, '_>, findings: &mut Findings) {
    source.at("secretName").must_be_given(findings);
    mode(&source.at("defaultMode"), findings);
    source.at("items").items().for_each(|item| key_to_path(&item, findings));
}

fn config_map(source: &Place<'_, '_>, findings: &mut Findings) {
    source.at("name").must_be_given(findings);
    mode(&source.at("defaultMode"), findings);
    source.at("items").items().for_each(|item| key_to_path(&item, findings));
}

pub(super) fn key_to_path(item: &Place<'_, '_>, findings: &mut Findings) {
    item.at("key").must_be_given(findings);
    item.at("path").must_be_given(findings);
    local_path(&item.at("path"), findings);
    mode(&item.at("mode"), findings);
}

/// The bits of a file's mode.
pub(super) fn mode(mode: &Place<'_, '_>, findings: &mut Findings) {
    if mode.number().is_some_and(|bits| !(0..=MODE_MAX).contains(&bits)) {
        mode.invalid(MODE, findings);
    }
}

pub(crate) fn nfs(source: &Place<'_, '_>, findings: &mut Findings) {
    source.at("server").must_be_given(findings);
    source.at("path").must_be_given(findings);
    if !source.at("path").text().starts_with('/') {
        source.at("path").invalid("must be an absolute path", findings);
    }
}

pub(crate) const INITIATOR_LENGTH: &str = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";

fn iscsi(source: &Place<'_, '_>, findings: &mut Findings) {
    source.at("targetPortal").must_be_given(findings);
    iscsi_rest(source, "must be valid format starting with iqn, eui, or naa", false, findings);
}

/// What iSCSI volumes of pods and persistent ones have in common; `unknown` is said of names
/// of no known kind.
pub(crate) fn iscsi_rest(source: &Place<'_, '_>, unknown: &str, persistent: bool, findings: &mut Findings) {
    let iqn = source.at("iqn");
    if iqn.is_empty() {
        iqn.required("", findings);
    } else if let Some(why) = initiator(iqn.text(), unknown) {
        iqn.invalid(why, findings);
    }
    source.at("lun").between(0, 255, findings);
    let chap = source.at("chapAuthDiscovery").is_true() || source.at("chapAuthSession").is_true();
    if chap && !source.at("secretRef").is_given() {
        source.at("secretRef").required("", findings);
    }
    if persistent && source.at("secretRef").is_given() {
        source.at("secretRef.name").must_be_given(findings);
    }
    let name = source.at("initiatorName");
    if name.is_given()
        && let Some(why) = initiator(name.text(), unknown)
    {
        source.at("initiatorname").with(name.value()).invalid(why, findings);
    }
}

fn initiator<'a>(name: &str, unknown: &'a str) -> Option<&'a str> {
    let pattern = match name.get(..3) {
        Some("iqn") => r"iqn\.\d{4}-\d{2}\.([0-9A-Za-z.-]+)(:[^,;*&$|\s]+)$",
        Some("eui") => "^eui.[0-9A-Za-z]{16}$",
        Some("naa") => "^naa.[0-9A-Za-z]{32}$",
        _ => return Some(unknown),
    };
    (!Pattern::new(pattern).matches(name)).then_some("must be valid format")
}

pub(crate) fn glusterfs(source: &Place<'_, '_>, findings: &mut Findings) {
    source.at("endpoints").must_be_given(findings);
    source.at("path").must_be_given(findings);
}

pub(crate) fn flocker(source: &Place<'_, '_>, findings: &mut Findings) {
    let (name, uid) = (source.at("datasetName"), source.at("datasetUUID"));
    match (name.is_empty(), uid.is_empty()) {
        (true, true) => source.required("one of datasetName and datasetUUID is required", findings),
        (false, false) => {
            let why = "datasetName and datasetUUID can not be specified simultaneously";
            source.invalid_as(&"resource".into(), why, findings);
        }
        _ => {}
    }
    if name.text().contains('/') {
        name.invalid("must not contain '/'", findings);
    }
}

pub(crate) fn rbd(source: &Place<'_, '_>, findings: &mut Findings) {
    source.at("monitors").must_be_given(findings);
    source.at("image").must_be_given(findings);
}

fn cinder(source: &Place<'_, '_>, findings: &mut Findings) {
    source.at("volumeID").must_be_given(findings);
    if source.at("secretRef").is_given() {
        source.at("secretRef.name").must_be_given(findings);
    }
}

pub(crate) fn quobyte(source: &Place<'_, '_>, findings: &mut Findings) {
    const SHAPE: &str = "must be a host:port pair or multiple pairs separated by commas";
    let registry = source.at("registry");
    if registry.is_empty() {
        registry.required(SHAPE, findings);
    } else if source.at("tenant").text().len() >= 65 {
        source.at("tenant").required("must be a UUID and may not exceed a length of 64 characters", findings);
    } else {
        for pair in registry.text().split(',') {
            let host = pair.rsplit_once(':').map(|(host, _)| host);
            if host.is_none_or(|host| host.contains(':') && !host.starts_with('[')) {
                registry.invalid(SHAPE, findings);
            }
        }
    }
    source.at("volume").must_be_given(findings);
}

fn downward(source: &Place<'_, '_>, findings: &mut Findings) {
    mode(&source.at("defaultMode"), findings);
    for item in source.at("items").items() {
        // Upstream tells the source, not the item.
        downward_file(&source.with(item.value()), findings);
    }
}

/// A file with something of the pod in it.
pub(super) fn downward_file(file: &Place<'_, '_>, findings: &mut Findings) {
    const FIELDS: [&str; 5] =
        ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
    file.at("path").must_be_given(findings);
    local_path(&file.at("path"), findings);
    let (field, resource) = (file.at("fieldRef"), file.at("resourceFieldRef"));
    if field.is_given() {
        environment::object_field(&field, &FIELDS, findings);
        if resource.is_given() {
            let why = "fieldRef and resourceFieldRef can not be specified simultaneously";
            file.invalid_as(&"resource".into(), why, findings);
        }
    } else if resource.is_given() {
        environment::resource_field(&resource, true, findings);
    } else {
        file.required("one of fieldRef and resourceFieldRef is required", findings);
    }
    mode(&file.at("mode"), findings);
}

pub(crate) fn fibre_channel(source: &Place<'_, '_>, findings: &mut Findings) {
    let (targets, ids) = (source.at("targetWWNs"), source.at("wwids"));
    if targets.is_empty() && ids.is_empty() {
        targets.required("must specify either targetWWNs or wwids, but not both", findings);
    }
    if !targets.is_empty() && !ids.is_empty() {
        targets.invalid("targetWWNs and wwids can not be specified simultaneously", findings);
    }
    if !targets.is_empty() {
        match source.at("lun").is_given() {
            true => source.at("lun").between(0, 255, findings),
            false => source.at("lun").required("lun is required if targetWWNs is specified", findings),
        }
    }
}

pub(crate) fn flex(source: &Place<'_, '_>, findings: &mut Findings) {
    source.at("driver").must_be_given(findings);
    for (key, option) in source.at("options").entries() {
        let namespace = key.split_once('/').map_or(key, |(namespace, _)| namespace);
        let domain = format!(".{}", namespace.to_lowercase());
        if domain.ends_with(".kubernetes.io") || domain.ends_with(".k8s.io") {
            option.invalid_as(&key.into(), "kubernetes.io and k8s.io namespaces are reserved", findings);
        }
    }
}

fn azure_file(source: &Place<'_, '_>, findings: &mut Findings) {
    source.at("secretName").must_be_given(findings);
    source.at("shareName").must_be_given(findings);
}

pub(crate) fn azure_disk(source: &Place<'_, '_>, findings: &mut Findings) {
    const MANAGED: &str =
        "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
    const BLOB: &str = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";
    source.at("diskName").must_be_given(findings);
    source.at("diskURI").must_be_given(findings);
    source.at("cachingMode").none_or_one_of(&["None", "ReadOnly", "ReadWrite"], findings);
    source.at("kind").none_or_one_of(&["Dedicated", "Managed", "Shared"], findings);
    let (uri, managed) = (source.at("diskURI"), source.at("kind").text() == "Managed");
    let (start, shape) = if managed { ("/subscriptions/", MANAGED) } else { ("https://", BLOB) };
    if source.at("kind").is_given() && !uri.text().starts_with(start) {
        uri.unsupported(&[shape], findings);
    }
}

fn storage_os(source: &Place<'_, '_>, findings: &mut Findings) {
    storage_os_names(source, findings);
    if source.at("secretRef").is_given() {
        source.at("secretRef.name").must_be_given(findings);
    }
}

pub(crate) fn storage_os_names(source: &Place<'_, '_>, findings: &mut Findings) {
    source.at("volumeName").required_shaped(names::dns1123_label, findings);
    source.at("volumeNamespace").optional_shaped(names::dns1123_label, findings);
}

pub(crate) fn scale_io(source: &Place<'_, '_>, findings: &mut Findings) {
    for field in ["gateway", "system", "volumeName"] {
        source.at(field).must_be_given(findings);
    }
}

fn csi(source: &Place<'_, '_>, findings: &mut Findings) {
    driver_name(&source.at("driver"), findings);
    if source.at("nodePublishSecretRef").is_given() {
        let name = source.at("nodePublishSecretRef.name");
        match name.is_empty() {
            true => name.required("", findings),
            false => drop(source.at("name").with(name.value()).shaped(names::dns1123_subdomain, findings)),
        }
    }
}

/// The name of a driver of the Container Storage Interface.
pub(crate) fn driver_name(driver: &Place<'_, '_>, findings: &mut Findings) {
    const LENGTH_MAX: usize = 63;
    if driver.is_empty() {
        return driver.required("", findings);
    }
    if driver.text().len() > LENGTH_MAX {
        driver.too_long(LENGTH_MAX, findings);
    }
    driver.shaped(|name| names::dns1123_subdomain(&name.to_lowercase()), findings);
}

/// A path that stays below where it starts.
pub(super) fn descending(path: &Place<'_, '_>, findings: &mut Findings) {
    if path.text().starts_with('/') {
        path.invalid("must be a relative path", findings);
    }
    no_steps_back(path, findings);
}

pub(crate) fn no_steps_back(path: &Place<'_, '_>, findings: &mut Findings) {
    if path.text().split('/').any(|part| part == "..") {
        path.invalid("must not contain '..'", findings);
    }
}

/// A path that may be used by the client: what starts with two dots is the kubelet's own.
pub(super) fn local_path(path: &Place<'_, '_>, findings: &mut Findings) {
    descending(path, findings);
    if path.text().starts_with("..") && !path.text().starts_with("../") {
        path.invalid("must not start with '..'", findings);
    }
}
