use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

const BIND: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
const SERVICE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

fn open(data: &Path) -> Pki {
    Pki::open(data, &[BIND, SERVICE]).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn content(data: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(data.join("pki"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

/// Which of the files differ.
fn changed(before: &[(String, String)], after: &[(String, String)]) -> Vec<String> {
    after.iter().filter(|file| !before.contains(file)).map(|(name, _)| name.clone()).collect()
}

#[test]
fn keys_are_private() {
    let data = tempfile::tempdir().unwrap();
    let pki = open(data.path());
    let kubeconfig = pki.write_kubeconfig(([0, 0, 0, 0], 6443).into(), pki.authority()).unwrap();
    assert_eq!((mode(&data.path().join("pki")), mode(&kubeconfig)), (0o700, 0o600));
    let files = content(data.path());
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["admin.crt", "admin.key", "apiserver.crt", "apiserver.key", "ca.crt", "ca.key"]);
    for name in names.iter().filter(|name| name.ends_with("key")) {
        assert_eq!(mode(&data.path().join("pki").join(name)), 0o600, "{name}");
    }
}

#[test]
fn certificates_are_used_again() {
    let data = tempfile::tempdir().unwrap();
    open(data.path());
    let before = content(data.path());
    open(data.path());
    assert_eq!(content(data.path()), before);
}

#[test]
fn the_serving_certificate_names_all_addresses() {
    let data = tempfile::tempdir().unwrap();
    let pki = open(data.path());
    let serving = inspect(&fs::read_to_string(pki.serving_files().certificate).unwrap()).unwrap();
    let names: Vec<_> = serving.names.iter().map(String::as_str).collect();
    let expected = [
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "localhost",
    ];
    assert_eq!(names, expected);
    let expected = [SERVICE, Ipv4Addr::LOCALHOST.into(), BIND, Ipv6Addr::LOCALHOST.into()];
    assert_eq!(serving.addresses.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn what_does_not_fit_is_made_anew() {
    type Change = fn(&Path);
    let cases: [(&str, Change, &[&str]); 5] = [
        ("a missing key", |pki| fs::remove_file(pki.join("admin.key")).unwrap(), &["admin.crt", "admin.key"]),
        (
            "a key of another certificate",
            |pki| {
                fs::copy(pki.join("admin.key"), pki.join("apiserver.key")).unwrap();
            },
            &["apiserver.crt", "apiserver.key"],
        ),
        (
            "a broken certificate",
            |pki| fs::write(pki.join("apiserver.crt"), "nonsense").unwrap(),
            &["apiserver.crt", "apiserver.key"],
        ),
        (
            "another authority",
            |pki| {
                let other = tempfile::tempdir().unwrap();
                open(other.path());
                for name in ["ca.crt", "ca.key"] {
                    fs::copy(other.path().join("pki").join(name), pki.join(name)).unwrap();
                }
            },
            &["admin.crt", "admin.key", "apiserver.crt", "apiserver.key"],
        ),
        (
            "an old authority",
            |pki| {
                let old = issue::authority_until("kubernetes", OffsetDateTime::now_utc() + Duration::days(29)).unwrap();
                store(pki, "ca", old).unwrap();
            },
            &["admin.crt", "admin.key", "apiserver.crt", "apiserver.key", "ca.crt", "ca.key"],
        ),
    ];
    for (what, change, expected) in cases {
        let data = tempfile::tempdir().unwrap();
        open(data.path());
        change(&data.path().join("pki"));
        let before = content(data.path());
        open(data.path());
        let all = changed(&before, &content(data.path()));
        assert_eq!(all, expected, "{what}");
        assert_eq!(changed(&content(data.path()), &content(data.path())), Vec::<String>::new());
    }
}

#[test]
fn what_is_about_to_expire_is_renewed_while_the_server_serves() {
    let data = tempfile::tempdir().unwrap();
    let mut pki = open(data.path());
    assert!(!pki.renew().unwrap());
    let soon = OffsetDateTime::now_utc() + Duration::days(29);
    let old = issue::client_until(&pki.authority, ADMIN_USER, ADMIN_GROUP, soon).unwrap();
    store(&data.path().join("pki"), "admin", old).unwrap();
    let before = content(data.path());
    assert!(pki.renew().unwrap());
    assert_eq!(changed(&before, &content(data.path())), ["admin.crt", "admin.key"]);
    assert_eq!(pki.admin().0, fs::read_to_string(data.path().join("pki/admin.crt")).unwrap());
}

#[test]
fn another_address_makes_another_serving_certificate() {
    let data = tempfile::tempdir().unwrap();
    open(data.path());
    let before = content(data.path());
    Pki::open(data.path(), &[SERVICE]).unwrap();
    assert_eq!(changed(&before, &content(data.path())), Vec::<String>::new(), "the old one is good for it");
    Pki::open(data.path(), &["192.0.2.8".parse().unwrap(), SERVICE]).unwrap();
    assert_eq!(changed(&before, &content(data.path())), ["apiserver.crt", "apiserver.key"]);
}

#[test]
fn a_broken_authority_is_a_persons_decision() {
    let data = tempfile::tempdir().unwrap();
    open(data.path());
    fs::write(data.path().join("pki/ca.crt"), "nonsense").unwrap();
    let before = content(data.path());
    let error = Pki::open(data.path(), &[BIND, SERVICE]).unwrap_err().to_string();
    assert!(error.contains("ca.crt` is not usable") && error.contains("remove it"), "{error}");
    assert_eq!(content(data.path()), before);
}

#[test]
fn the_kubeconfig_names_what_clients_can_reach() {
    let data = tempfile::tempdir().unwrap();
    let pki = open(data.path());
    let cases = [
        ("127.0.0.1:6443", "https://127.0.0.1:6443"),
        ("0.0.0.0:6443", "https://127.0.0.1:6443"),
        ("[::]:1", "https://[::1]:1"),
        ("192.0.2.7:443", "https://192.0.2.7:443"),
    ];
    for (served, server) in cases {
        let path = pki.write_kubeconfig(served.parse().unwrap(), pki.authority()).unwrap();
        let text = fs::read_to_string(path).unwrap();
        assert!(text.lines().any(|line| line == format!("    server: {server}")), "{text}");
    }
}
