//! A request for a certificate, PKCS #10: who it is for.

use std::collections::BTreeSet;

use super::asn1::{Element, NULL, Reader, SEQUENCE, SET, structure, syntax};
use super::pem;

/// Identifiers of the types that are looked at, encoded.
const ORGANIZATION: &[u8] = &[0x55, 4, 10];
const EXTENSIONS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
/// P-224, P-256, P-384 and P-521, whose points take twice as many bytes and one.
const CURVES: [(&[u8], usize); 4] = [
    (&[0x2b, 0x81, 4, 0, 0x21], 28),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], 32),
    (&[0x2b, 0x81, 4, 0, 0x22], 48),
    (&[0x2b, 0x81, 4, 0, 0x23], 66),
];
const UTF_8: u32 = 12;
const NUMERIC: u32 = 18;
const PRINTABLE: u32 = 19;
const T61: u32 = 20;
const IA5: u32 = 22;
const BMP: u32 = 30;

/// What a request says.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// `O` of the subject, in Kubernetes the groups of a user.
    pub(super) organizations: Vec<String>,
}

impl Request {
    /// # Errors
    /// What is wrong with it, in upstream's words.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let block = pem::blocks(text).next().filter(|block| block.kind == "CERTIFICATE REQUEST");
        let block = block.ok_or("PEM block type must be CERTIFICATE REQUEST")?;
        let mut outer = Reader::new(&block.bytes);
        let mut request = Reader::new(outer.value(SEQUENCE, "certificateRequest")?.content);
        let mut signed = Reader::new(request.value(SEQUENCE, "tbsCertificateRequest")?.content);
        signed.integer()?;
        let subject = signed.any()?;
        let mut key = Reader::new(signed.value(SEQUENCE, "publicKeyInfo")?.content);
        let (algorithm, parameters) = algorithm(&mut key)?;
        let key = key.bits()?;
        let attributes = attributes(&mut signed)?;
        self::algorithm(&mut request)?;
        request.bits()?;
        if !outer.is_empty() {
            return Err(syntax("trailing data"));
        }
        public_key(algorithm, parameters, key)?;
        let organizations = organizations(subject.whole)?;
        extensions(&attributes)?;
        Ok(Self { organizations })
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
    if (list.head.class, list.head.tag, list.head.is_compound) != (2, 0, true) {
        return Err(structure("tags don't match"));
    }
    let (mut items, mut all) = (Reader::new(list.content), Vec::new());
    while !items.is_empty() {
        all.push(items.any()?);
    }
    Ok(all)
}

/// Keys of algorithms that are not known are not looked at.
fn public_key(algorithm: &[u8], parameters: &[u8], key: &[u8]) -> Result<(), String> {
    let refuse = |why: &str| Err(format!("x509: {why}"));
    match algorithm {
        RSA => {
            if parameters != NULL {
                return refuse("RSA key missing NULL parameters");
            }
            let Ok(numbers) = Reader::new(key).value(SEQUENCE, "") else { return refuse("invalid RSA public key") };
            let mut numbers = Reader::new(numbers.content);
            for (of, name) in [("modulus", "RSA modulus"), ("public exponent", "RSA public exponent")] {
                let number = numbers.value(super::asn1::INTEGER, "").ok().map(|number| number.content);
                match number {
                    None | Some([]) => return refuse(&format!("invalid RSA {of}")),
                    Some(number) if number[0] >= 0x80 || number == [0] => {
                        return refuse(&format!("{name} is not a positive number"));
                    }
                    Some(_) => {}
                }
            }
        }
        ECDSA => {
            let Ok(curve) = Reader::new(parameters).identifier() else { return refuse("invalid ECDSA parameters") };
            let Some((_, bytes)) = CURVES.iter().find(|(known, _)| *known == curve) else {
                return refuse("unsupported elliptic curve");
            };
            if key.first() != Some(&4) || key.len() != 1 + 2 * bytes {
                return Err("ecdsa: invalid uncompressed public key".to_string());
            }
        }
        ED25519 if !parameters.is_empty() => return refuse("Ed25519 key encoded with illegal parameters"),
        ED25519 if key.len() != 32 => return refuse("wrong Ed25519 public key size"),
        _ => {}
    }
    Ok(())
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
    let mut seen = BTreeSet::new();
    for attribute in attributes {
        let asked = |attribute: &Element<'_>| -> Option<Vec<u8>> {
            let mut attribute = Reader::new(attribute.content);
            let of = attribute.identifier().ok()?;
            let values = attribute.value(SET, "").ok()?;
            (of == EXTENSIONS).then(|| values.content.to_vec())
        };
        let Some(values) = asked(attribute).filter(|values| !values.is_empty()) else { continue };
        let list = Reader::new(&values).value(SEQUENCE, "")?.content;
        for extension in items(list, SEQUENCE)? {
            let of = Reader::new(extension.content).identifier()?;
            if !seen.insert(of.to_vec()) {
                return Err("x509: certificate request contains duplicate requested extensions".to_string());
            }
        }
    }
    Ok(())
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
