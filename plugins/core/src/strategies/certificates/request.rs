//! A request for a certificate, PKCS #10: who it is for, and what it is signed with.

use std::collections::BTreeSet;

use plugin_sdk::signatures::Refusal;

use super::algorithm::{Algorithm, UNIMPLEMENTED};
use super::asn1::{BOOLEAN, CONTEXT, Element, OCTET_STRING, Reader, SEQUENCE, SET, structure, syntax};
use super::key::Key;
use super::{alternatives, pem};

/// Identifiers of the types that are looked at, encoded.
const ORGANIZATION: &[u8] = &[0x55, 4, 10];
const EXTENSIONS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 17];
const UTF_8: u32 = 12;
const NUMERIC: u32 = 18;
const PRINTABLE: u32 = 19;
const T61: u32 = 20;
const IA5: u32 = 22;
const BMP: u32 = 30;

/// What a request says.
#[derive(Debug)]
pub(super) struct Request {
    /// `O` of the subject, in Kubernetes the groups of a user.
    pub(super) organizations: Vec<String>,
    key: Key,
    /// What is said of the key, as it was encoded.
    encoded_key: Vec<u8>,
    algorithm: Algorithm,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl Request {
    /// # Errors
    /// What is wrong with it, in upstream's words.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let block = pem::blocks(text).next().filter(|block| block.kind == "CERTIFICATE REQUEST");
        let block = block.ok_or("PEM block type must be CERTIFICATE REQUEST")?;
        let mut outer = Reader::new(&block.bytes);
        let mut request = Reader::new(outer.value(SEQUENCE, "certificateRequest")?.content);
        let whole = request.value(SEQUENCE, "tbsCertificateRequest")?;
        let mut signed = Reader::new(whole.content);
        signed.integer()?;
        let subject = signed.any()?;
        let encoded_key = signed.value(SEQUENCE, "publicKeyInfo")?;
        let mut key = Reader::new(encoded_key.content);
        let (of, parameters) = algorithm(&mut key)?;
        let key = key.bits()?;
        let attributes = attributes(&mut signed)?;
        let (signed_with, signed_with_parameters) = algorithm(&mut request)?;
        let signature = request.bits()?;
        if !outer.is_empty() {
            return Err(syntax("trailing data"));
        }
        let algorithm = Algorithm::named(signed_with, signed_with_parameters);
        let key = Key::parse(of, parameters, &key)?;
        let organizations = organizations(subject.whole)?;
        extensions(&attributes)?;
        Ok(Self {
            organizations,
            key,
            encoded_key: encoded_key.whole.to_vec(),
            algorithm,
            signed: whole.whole.to_vec(),
            signature: signature.into_owned(),
        })
    }

    /// Whether who asks has the key that it asks for. `verify` is that of the contract, by algorithm, key,
    /// message and signature.
    ///
    /// # Errors
    /// Why not, in upstream's words.
    pub(super) fn check_signature(
        &self,
        verify: impl FnOnce(&str, &[u8], &[u8], &[u8]) -> Result<bool, Refusal>,
    ) -> Result<(), String> {
        let algorithm = match self.algorithm {
            Algorithm::Unknown => return Err(UNIMPLEMENTED.to_string()),
            Algorithm::Insecure(name) => {
                return Err(format!("x509: cannot verify signature: insecure algorithm {name}"));
            }
            Algorithm::Known { of, name } => {
                self.key.must_fit(of)?;
                name
            }
        };
        match verify(algorithm, &self.encoded_key, &self.signed, &self.signature) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.key.unverified()),
            Err(Refusal::MalformedKey) => Err(self.key.malformed()),
            Err(Refusal::Unsupported) => Err(UNIMPLEMENTED.to_string()),
            Err(Refusal::TooLong) => Err("x509: cannot verify signature: the request is too long".to_string()),
        }
    }
}

/// An identifier, and parameters that there may be.
fn algorithm<'a>(reader: &mut Reader<'a>) -> Result<(&'a [u8], &'a [u8]), String> {
    let mut algorithm = Reader::new(reader.value(SEQUENCE, "AlgorithmIdentifier")?.content);
    let identifier = algorithm.identifier()?;
    Ok((identifier, algorithm.optional()?.map_or(&[], |parameters| parameters.whole)))
}

fn attributes<'a>(signed: &mut Reader<'a>) -> Result<Vec<Element<'a>>, String> {
    let list = signed.any()?;
    if (list.head.class, list.head.tag, list.head.is_compound) != (CONTEXT, 0, true) {
        return Err(structure("tags don't match"));
    }
    let (mut items, mut all) = (Reader::new(list.content), Vec::new());
    while !items.is_empty() {
        all.push(items.any()?);
    }
    Ok(all)
}

fn organizations(subject: &[u8]) -> Result<Vec<String>, String> {
    let mut whole = Reader::new(subject);
    let sets = items(whole.value(SEQUENCE, "RDNSequence")?.content, SET)?;
    let mut found = Vec::new();
    for set in sets {
        for pair in items(set.content, SEQUENCE)? {
            let mut pair = Reader::new(pair.content);
            let of = pair.identifier()?;
            let value = text(&pair.any()?)?;
            if of == ORGANIZATION {
                found.extend(value);
            }
        }
    }
    if whole.is_empty() { Ok(found) } else { Err("x509: trailing data after X.509 Subject".to_string()) }
}

fn items(bytes: &[u8], tag: u32) -> Result<Vec<Element<'_>>, String> {
    let (mut reader, mut all) = (Reader::new(bytes), Vec::new());
    while !reader.is_empty() {
        let item = reader.any()?;
        if (item.head.class, item.head.tag, item.head.is_compound) != (0, tag, true) {
            return Err(structure("sequence tag mismatch"));
        }
        all.push(item);
    }
    Ok(all)
}

/// The text that a value is, if it is one.
fn text(value: &Element<'_>) -> Result<Option<String>, String> {
    if value.head.class != 0 || value.head.is_compound {
        return Ok(None);
    }
    let all = |is_good: fn(&u8) -> bool| value.content.iter().all(is_good);
    let is_good = match value.head.tag {
        UTF_8 => std::str::from_utf8(value.content).is_ok(),
        PRINTABLE => all(|byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(byte)),
        NUMERIC => all(|byte| byte.is_ascii_digit() || *byte == b' '),
        IA5 => value.content.is_ascii(),
        // Read as Latin-1.
        T61 => return Ok(Some(value.content.iter().map(|byte| char::from(*byte)).collect())),
        BMP => return wide_text(value.content).map(Some),
        _ => return Ok(None),
    };
    let name = match value.head.tag {
        _ if is_good => return Ok(Some(String::from_utf8_lossy(value.content).into_owned())),
        UTF_8 => return Err("asn1: invalid UTF-8 string".to_string()),
        PRINTABLE => "PrintableString",
        NUMERIC => "NumericString",
        _ => "IA5String",
    };
    Err(syntax(&format!("{name} contains invalid character")))
}

/// A text of two bytes for each character.
fn wide_text(content: &[u8]) -> Result<String, String> {
    if !content.len().is_multiple_of(2) {
        return Err("invalid BMPString".to_string());
    }
    // Its end may be written.
    let content = content.strip_suffix(&[0, 0]).unwrap_or(content);
    let points = content.chunks_exact(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let is_character = |point: &u32| !matches!(point, 0xfffe | 0xffff | 0xfdd0..=0xfdef);
    let text: Option<String> = points.map(|point| Some(point).filter(is_character).and_then(char::from_u32)).collect();
    text.ok_or_else(|| "invalid BMPString".to_string())
}

/// Each extension is asked for once. Attributes that are something else do not matter.
fn extensions(attributes: &[Element<'_>]) -> Result<(), String> {
    let (mut seen, mut names) = (BTreeSet::new(), Vec::new());
    for attribute in attributes {
        let asked = |attribute: &Element<'_>| -> Option<Vec<u8>> {
            let mut attribute = Reader::new(attribute.content);
            let of = attribute.identifier().ok()?;
            let values = attribute.value(SET, "").ok()?;
            (of == EXTENSIONS).then(|| values.content.to_vec())
        };
        let Some(values) = asked(attribute).filter(|values| !values.is_empty()) else { continue };
        let list = Reader::new(&values).value(SEQUENCE, "")?.content;
        for item in items(list, SEQUENCE)? {
            let (of, value) = extension(item.content)?;
            if !seen.insert(of.to_vec()) {
                return Err("x509: certificate request contains duplicate requested extensions".to_string());
            }
            if of == ALTERNATIVE_NAMES {
                names.push(value.to_vec());
            }
        }
    }
    names.iter().try_for_each(|names| alternatives::check(names))
}

/// What it is, and its value.
fn extension(content: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let mut extension = Reader::new(content);
    let of = extension.identifier()?;
    // Whether it is critical does not matter.
    let mut value = extension;
    if extension.any().is_ok_and(|next| (next.head.class, next.head.tag) == (0, BOOLEAN)) {
        value = extension;
    }
    Ok((of, value.value(OCTET_STRING, "")?.content))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn parse(der: &[u8]) -> Result<Vec<String>, String> {
        let encoded = STANDARD.encode(der);
        let text = format!("-----BEGIN CERTIFICATE REQUEST-----\n{encoded}\n-----END CERTIFICATE REQUEST-----\n");
        Request::parse(&text).map(|request| request.organizations)
    }

    /// `openssl req -new -newkey ed25519 -subj /O=system:masters/O=b/CN=c`
    const GOOD: &str = "MIHSMIGFAgEAMDExFzAVBgNVBAoMDnN5c3RlbTptYXN0ZXJzMQowCAYDVQQKDAFi\
        MQowCAYDVQQDDAFjMCowBQYDK2VwAyEAMDX1aDPHmkJ2g/TJ0vfp/rl6rPSq9mp4\
        S8H6KEY+mt2gITAfBgkqhkiG9w0BCQ4xEjAQMA4GA1UdEQQHMAWCA2EuYjAFBgMr\
        ZXADQQCoHQSge49HHnlId+qRW9DURX6YpojDOU0QL73yEYiVwHeyZe4qG3Ay2eHp\
        vt0S9t0cmcrVmuYVNkj88p8JFsUG";

    fn good() -> Vec<u8> {
        STANDARD.decode(GOOD).unwrap()
    }

    fn request(der: &[u8]) -> Request {
        let encoded = STANDARD.encode(der);
        let text = format!("-----BEGIN CERTIFICATE REQUEST-----\n{encoded}\n-----END CERTIFICATE REQUEST-----\n");
        Request::parse(&text).unwrap()
    }

    #[test]
    fn what_is_signed_is_asked_of_the_host() {
        let good = good();
        let asked = request(&good).check_signature(|algorithm, key, message, signature| {
            assert_eq!((algorithm, message.len(), signature.len()), ("ed25519", 0x88, 64));
            assert_eq!(message, &good[3..3 + 0x88]);
            assert_eq!(&key[..12], [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0]);
            Ok(true)
        });
        assert_eq!(asked, Ok(()));
        for (answer, expected) in [
            (Ok(false), "x509: Ed25519 verification failure"),
            (Err(Refusal::Unsupported), UNIMPLEMENTED),
            (Err(Refusal::TooLong), "x509: cannot verify signature: the request is too long"),
        ] {
            let why = request(&good).check_signature(|_, _, _, _| answer).unwrap_err();
            assert_eq!(why, expected, "{answer:?}");
        }
    }

    /// The host is not asked what is known.
    #[test]
    fn an_algorithm_has_to_be_known_and_to_fit_the_key() {
        let good = good();
        let at = good.len() - 74;
        assert_eq!(good[at..at + 5], [0x30, 5, 6, 3, 0x2b]);
        let with = |identifier: &[u8]| {
            let mut changed = good.clone();
            changed.splice(at + 4..at + 7, identifier.iter().copied());
            for (place, more) in
                [(2, identifier.len() - 3), (at + 1, identifier.len() - 3), (at + 3, identifier.len() - 3)]
            {
                changed[place] += u8::try_from(more).unwrap();
            }
            request(&changed).check_signature(|_, _, _, _| panic!("the host is asked")).unwrap_err()
        };
        for (identifier, expected) in [
            (&[0x2b, 0x65, 0x71][..], UNIMPLEMENTED),
            (
                &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4],
                "x509: cannot verify signature: insecure algorithm MD5-RSA",
            ),
            (
                &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11],
                "x509: signature algorithm specifies an RSA public key, but have public key of type ed25519.PublicKey",
            ),
        ] {
            assert_eq!(with(identifier), expected, "{identifier:?}");
        }
    }

    #[test]
    fn who_a_request_is_for() {
        assert_eq!(parse(&good()).unwrap(), ["system:masters", "b"]);
    }

    /// What a signer would read as an organization is one here: else it could not be refused.
    #[test]
    fn an_organization_is_one_in_every_alphabet() {
        let wide: Vec<u8> = "system:masters".bytes().flat_map(|byte| [0, byte]).collect();
        for (tag, content, expected) in [
            (UTF_8, &b"system:masters"[..], Ok("system:masters")),
            (T61, b"system:masters", Ok("system:masters")),
            (T61, b"caf\xe9", Ok("caf\u{e9}")),
            (BMP, &wide, Ok("system:masters")),
            (BMP, &[&wide[..], &[0, 0]].concat(), Ok("system:masters")),
            (BMP, b"odd", Err("invalid BMPString")),
            (BMP, &[0xd8, 0x00], Err("invalid BMPString")),
            (BMP, &[0xff, 0xfe], Err("invalid BMPString")),
        ] {
            let bytes = [&[tag as u8, content.len() as u8], content].concat();
            let read = text(&Reader::new(&bytes).any().unwrap()).map(Option::unwrap_or_default);
            assert_eq!(read.as_deref().map_err(String::as_str), expected, "{tag} {content:?}");
        }
    }

    #[test]
    fn what_is_broken_is_refused_and_never_a_panic() {
        let good = good();
        for length in 0..good.len() {
            assert!(parse(&good[..length]).is_err(), "{length}");
        }
        let mut longer = good.clone();
        longer.push(0);
        assert_eq!(parse(&longer).unwrap_err(), "asn1: syntax error: trailing data");
        for at in 0..good.len() {
            let mut changed = good.clone();
            changed[at] ^= 0x40;
            // Whatever it says now, it says something.
            drop(parse(&changed));
        }
        assert_eq!(Request::parse("").unwrap_err(), "PEM block type must be CERTIFICATE REQUEST");
    }
}
