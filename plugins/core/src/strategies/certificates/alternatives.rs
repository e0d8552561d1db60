//! Other names that a request asks for: hosts, addresses, URIs.

use super::asn1::{CONTEXT, Reader, SEQUENCE};

const EMAIL: u32 = 1;
const DNS: u32 = 2;
const URI: u32 = 6;
const ADDRESS: u32 = 7;
/// What a host may have beside letters and digits.
const OF_HOSTS: &str = "-_.~!$&'()*+,;=:[]<>\"%";

/// # Errors
/// What is wrong with one, in upstream's words.
pub(super) fn check(names: &[u8]) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("x509: {why}"));
    let Ok(list) = Reader::new(names).value(SEQUENCE, "") else { return wrong("invalid subject alternative names") };
    let mut list = Reader::new(list.content);
    while !list.is_empty() {
        let Ok(name) = list.any() else { return wrong("invalid subject alternative name") };
        if (name.head.class, name.head.is_compound) != (CONTEXT, false) {
            continue;
        }
        let text = std::str::from_utf8(name.content).ok().filter(|text| text.is_ascii());
        match (name.head.tag, text) {
            (EMAIL, None) => return wrong("SAN rfc822Name is malformed"),
            (DNS, None) => return wrong("SAN dNSName is malformed"),
            (URI, None) => return wrong("SAN uniformResourceIdentifier is malformed"),
            (URI, Some(uri)) => {
                let host = host(uri).map_err(|why| format!("x509: cannot parse URI {uri:?}: parse {uri:?}: {why}"))?;
                if !is_domain(host) {
                    return wrong(&format!("cannot parse URI {uri:?}: invalid domain"));
                }
            }
            (ADDRESS, _) if !matches!(name.content.len(), 4 | 16) => {
                return wrong(&format!("cannot parse IP address of length {}", name.content.len()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// With its port; empty if it has none.
fn host(uri: &str) -> Result<&str, String> {
    if uri.bytes().any(|byte| byte.is_ascii_control()) {
        return Err("net/url: invalid control character in URL".to_string());
    }
    let whole = uri.split('#').next().unwrap_or_default();
    let (scheme, rest) = whole.split_once(':').filter(|(scheme, _)| is_scheme(scheme)).unwrap_or(("", whole));
    if rest.starts_with(':') {
        return Err("missing protocol scheme".to_string());
    }
    let rest = rest.split('?').next().unwrap_or_default();
    if !rest.starts_with('/') {
        let is_path = scheme.is_empty() && rest.split('/').next().is_some_and(|first| first.contains(':'));
        return if is_path { Err("first path segment in URL cannot contain colon".to_string()) } else { Ok("") };
    }
    let (host, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let port = port(host)?;
    let digits = if port.is_empty() { Some("") } else { port.strip_prefix(':') };
    if !digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(format!("invalid port {port:?} after host"));
    }
    if let Some(wrong) = host.chars().find(|own| !own.is_ascii_alphanumeric() && !OF_HOSTS.contains(*own)) {
        return Err(format!("invalid character {:?} in host name", wrong.to_string()));
    }
    match path.match_indices('%').find(|(at, _)| !is_escape(&path[at + 1..])) {
        Some((at, _)) => Err(format!("invalid URL escape {:?}", &path[at..path.len().min(at + 3)])),
        None => Ok(host),
    }
}

/// What is behind a host's name, with its colon: behind the brackets of an address, which has colons itself.
fn port(host: &str) -> Result<&str, &'static str> {
    match host.rfind('[') {
        Some(0) => host.rfind(']').map(|end| &host[end + 1..]).ok_or("missing ']' in host"),
        Some(_) => Err("invalid IP-literal"),
        None => Ok(host.rfind(':').map_or("", |colon| &host[colon..])),
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn is_escape(behind: &str) -> bool {
    behind.len() >= 2 && behind.bytes().take(2).all(|byte| byte.is_ascii_hexdigit())
}

fn is_domain(host: &str) -> bool {
    host.is_empty()
        || host.split('.').all(|label| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_graphic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_at_by_their_kind() {
        for (tag, content, expected) in [
            (0x82, &b"a.example"[..], ""),
            (0x82, "\u{e9}.example".as_bytes(), "x509: SAN dNSName is malformed"),
            (0x81, b"\xff", "x509: SAN rfc822Name is malformed"),
            (0x86, b"\xff", "x509: SAN uniformResourceIdentifier is malformed"),
            (0x86, b"spiffe://a/b", ""),
            (0x86, b"https://a..b/c", "x509: cannot parse URI \"https://a..b/c\": invalid domain"),
            (0x86, b"https://a./c", "x509: cannot parse URI \"https://a./c\": invalid domain"),
            (0x86, b"a:b", ""),
            (0x86, b":b", "x509: cannot parse URI \":b\": parse \":b\": missing protocol scheme"),
            (0x86, b"//a b", "x509: cannot parse URI \"//a b\": parse \"//a b\": invalid character \" \" in host name"),
            (0x86, b"//a:x", "x509: cannot parse URI \"//a:x\": parse \"//a:x\": invalid port \":x\" after host"),
            (0x86, b"https://[::1]/x", ""),
            (0x86, b"https://[::1]:443/x", ""),
            (0x86, b"https://a@[::1]:/x", ""),
            (
                0x86,
                b"//[::1]:x",
                "x509: cannot parse URI \"//[::1]:x\": parse \"//[::1]:x\": invalid port \":x\" after host",
            ),
            (
                0x86,
                b"//[::1]8",
                "x509: cannot parse URI \"//[::1]8\": parse \"//[::1]8\": invalid port \"8\" after host",
            ),
            (0x86, b"//[::1", "x509: cannot parse URI \"//[::1\": parse \"//[::1\": missing ']' in host"),
            (0x86, b"//a[::1]", "x509: cannot parse URI \"//a[::1]\": parse \"//a[::1]\": invalid IP-literal"),
            (0x86, b"/%zz", "x509: cannot parse URI \"/%zz\": parse \"/%zz\": invalid URL escape \"%zz\""),
            (0x87, &[1, 2, 3, 4], ""),
            (0x87, &[1, 2, 3], "x509: cannot parse IP address of length 3"),
        ] {
            let name = [&[tag, content.len() as u8][..], content].concat();
            let names = [&[0x30, name.len() as u8][..], &name].concat();
            assert_eq!(check(&names).err().unwrap_or_default(), expected, "{tag} {content:?}");
        }
        assert_eq!(check(&[4, 0]).unwrap_err(), "x509: invalid subject alternative names");
        assert_eq!(check(&[0x30, 1, 0x82]).unwrap_err(), "x509: invalid subject alternative name");
    }
}
