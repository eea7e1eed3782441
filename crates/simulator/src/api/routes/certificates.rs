//! `/nodes/{node}/certificates/info`.

use serde_json::{Value, json};
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::X509Name;

use super::super::Call;
use crate::tls::Certificate;

/// The authority's certificate and the one the host shows.
pub(super) fn info(call: &Call) -> Value {
    let certificates = call.host.certificates();
    let files = certificates.iter().map(|(name, certificate)| shown(name, certificate));
    Value::Array(files.collect())
}

fn shown(filename: &str, certificate: &Certificate) -> Value {
    let mut shown = json!({
        "filename": filename, "fingerprint": certificate.fingerprint, "pem": certificate.pem, "san": [],
    });
    let Ok((_, parsed)) = X509Certificate::from_der(&certificate.der) else { return shown };
    shown["subject"] = json!(name(parsed.subject()));
    shown["issuer"] = json!(name(parsed.issuer()));
    shown["notbefore"] = json!(parsed.validity().not_before.timestamp());
    shown["notafter"] = json!(parsed.validity().not_after.timestamp());
    if let Ok(key) = parsed.public_key().parsed() {
        let kind = if matches!(key, PublicKey::EC(_)) { "id-ecPublicKey" } else { "rsaEncryption" };
        shown["public-key-type"] = json!(kind);
        shown["public-key-bits"] = json!(key.key_size());
    }
    let names = parsed.iter_extensions().filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
        _ => None,
    });
    shown["san"] = names.flatten().filter_map(alternative).collect();
    shown
}

/// `/OU=…/O=…/CN=…`, as OpenSSL's one-line form that Proxmox shows.
fn name(name: &X509Name<'_>) -> String {
    let parts = name.iter_attributes().filter_map(|attribute| {
        let key =
            x509_parser::objects::oid2abbrev(attribute.attr_type(), x509_parser::objects::oid_registry());
        Some(format!("/{}={}", key.ok()?, attribute.as_str().ok()?))
    });
    parts.collect()
}

fn alternative(name: &GeneralName<'_>) -> Option<Value> {
    match name {
        GeneralName::DNSName(name) => Some(json!(name)),
        GeneralName::IPAddress(bytes) => {
            let address = <[u8; 4]>::try_from(*bytes)
                .map(std::net::IpAddr::from)
                .or_else(|_| <[u8; 16]>::try_from(*bytes).map(std::net::IpAddr::from));
            Some(json!(address.ok()?.to_string()))
        }
        _ => None,
    }
}
