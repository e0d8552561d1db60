//! What a comparison is asked for.

use std::path::PathBuf;

const USAGE: &str = "usage: bench peers --kube-apiserver PATH --etcd PATH [--part objects|pods|watchers] [--objects NUMBER] \
                     [--watchers NUMBER]";

pub(super) struct Options {
    pub(super) kube_apiserver: PathBuf,
    pub(super) etcd: PathBuf,
    pub(super) part: Part,
    /// One more step of objects, and of watchers, for those who have the time.
    pub(super) objects: Option<usize>,
    pub(super) watchers: Option<usize>,
}

/// What is measured. A part is for those who profile it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    All,
    Objects,
    Pods,
    Watchers,
}

impl Options {
    /// # Errors
    /// Says which argument is wrong, and what is expected.
    pub(super) fn parse(arguments: &[String]) -> Result<Options, String> {
        let (mut kube_apiserver, mut etcd, mut objects, mut watchers) = (None, None, None, None);
        let mut part = Part::All;
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let value = rest.next().ok_or_else(|| format!("`{name}` needs a value\n{USAGE}"))?;
            let number = || value.parse().map_err(|_| format!("`{name} {value}` is no number\n{USAGE}"));
            match name.as_str() {
                "--part" if value == "objects" => part = Part::Objects,
                "--part" if value == "pods" => part = Part::Pods,
                "--part" if value == "watchers" => part = Part::Watchers,
                "--kube-apiserver" => kube_apiserver = Some(PathBuf::from(value)),
                "--etcd" => etcd = Some(PathBuf::from(value)),
                "--objects" => objects = Some(number()?),
                "--watchers" => watchers = Some(number()?),
                _ => return Err(format!("`{name}` is not known, or `{value}` is not\n{USAGE}")),
            }
        }
        let kube_apiserver = kube_apiserver.ok_or_else(|| format!("`--kube-apiserver` is missing\n{USAGE}"))?;
        let etcd = etcd.ok_or_else(|| format!("`--etcd` is missing\n{USAGE}"))?;
        Ok(Options { kube_apiserver, etcd, part, objects, watchers })
    }
}
