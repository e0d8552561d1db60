//! Files of one volume that get in each other's way.

use apimachinery::validation::place::Place;

use super::Warnings;

/// A file of a volume, and what it is made of.
#[derive(Clone, PartialEq)]
struct File {
    path: String,
    source: String,
}

impl File {
    fn shown(&self) -> String {
        match self.source.as_str() {
            "" => format!("\"{}\"", self.path),
            source => format!("\"{}\" ({source})", self.path),
        }
    }

    /// Whether one is the other, or is below it.
    fn collides(&self, other: &Self) -> bool {
        let (own, other) = (format!("{}/", self.path), format!("{}/", other.path));
        self.path.len() + other.len() > 1 && (own.starts_with(&other) || other.starts_with(&own))
    }
}

pub(super) fn of_volumes(volumes: &Place<'_, '_>, out: &mut Warnings) {
    for volume in volumes.items() {
        let name = volume.at("name").text();
        for (member, kind, reference) in
            [("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName"), ("downwardAPI", "DownwardAPI", "")]
        {
            let source = volume.at(member);
            if !source.is_given() {
                continue;
            }
            let title = match reference {
                "" => kind.to_string(),
                reference => format!("{kind} \"{}\"", source.at(reference).text()),
            };
            let mut known = Vec::new();
            overlaps(files(&source, ""), &mut known, &format!("volume \"{name}\" ({title})"), out);
        }
        let mut known = Vec::new();
        for source in volume.at("projected.sources").items() {
            if source.value().as_object().is_none_or(|source| source.values().all(apimachinery::tree::Value::is_null)) {
                out.push(format!("volume \"{name}\" (Projected) has no sources provided"));
                continue;
            }
            overlaps(projected(&source), &mut known, &format!("volume \"{name}\" (Projected)"), out);
        }
    }
}

fn files(of: &Place<'_, '_>, source: &str) -> Vec<File> {
    let items = of.at("items");
    items.items().map(|item| File { path: item.at("path").text().into(), source: source.into() }).collect()
}

fn projected(source: &Place<'_, '_>) -> Vec<File> {
    let one = |path: &Place<'_, '_>, source: String| File { path: path.text().into(), source };
    let named = |kind: &str, name: &str| format!("{kind} \"{name}\"");
    if source.at("configMap.items").is_given() {
        return files(&source.at("configMap"), &named("ConfigMap", source.at("configMap.name").text()));
    }
    if source.at("secret.items").is_given() {
        return files(&source.at("secret"), &named("Secret", source.at("secret.name").text()));
    }
    if source.at("downwardAPI.items").is_given() {
        return files(&source.at("downwardAPI"), "DownwardAPI");
    }
    if source.at("serviceAccountToken").is_given() {
        return vec![one(&source.at("serviceAccountToken.path"), "ServiceAccountToken".into())];
    }
    let bundle = source.at("clusterTrustBundle");
    if bundle.is_given() {
        let name = if bundle.at("name").is_given() { bundle.at("name") } else { bundle.at("signerName") };
        return vec![one(&bundle.at("path"), named("ClusterTrustBundle", name.text()))];
    }
    let certificate = source.at("podCertificate");
    [
        ("certificateChainPath", "PodCertificate chain"),
        ("keyPath", "PodCertificate key"),
        ("credentialBundlePath", "PodCertificate credential bundle"),
    ]
    .into_iter()
    .filter(|(member, _)| !certificate.at(member).is_empty())
    .map(|(member, source)| one(&certificate.at(member), source.into()))
    .collect()
}

fn overlaps(files: Vec<File>, known: &mut Vec<File>, of: &str, out: &mut Warnings) {
    for mut file in files {
        file.path.truncate(file.path.trim_end_matches('/').len());
        for other in
            known.iter().filter(|other| !file.path.is_empty() && !other.path.is_empty() && file.collides(other))
        {
            out.push(format!("{of}: overlapping paths: {} with {}", file.shown(), other.shown()));
        }
        known.push(file);
    }
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    #[test]
    fn files_do_not_lie_in_files() {
        let volumes = json!([
            {"name": "a", "configMap": {"name": "m", "items": [{"path": "x"}, {"path": "x/y"}, {"path": "xy"}]}},
            {"name": "b", "projected": {"sources": [{}, {"secret": {"name": "s", "items": [{"path": "t"}]}},
                {"serviceAccountToken": {"path": "t"}}]}},
        ]);
        let mut out = Vec::new();
        of_volumes(&Place::root(&volumes), &mut out);
        assert_eq!(
            out,
            [
                "volume \"a\" (ConfigMap \"m\"): overlapping paths: \"x/y\" with \"x\"",
                "volume \"b\" (Projected) has no sources provided",
                "volume \"b\" (Projected): overlapping paths: \"t\" (ServiceAccountToken) with \"t\" (Secret \"s\")",
            ]
        );
    }
}
