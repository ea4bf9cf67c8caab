//! `[listen.tls]` and `[listen.admin_tls]`: the certificate of a port and its private key.
//!
//! Invariant: certificate and key match and can be used. The files are read with the configuration, so a reload applies
//! a renewed certificate.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use stagedoor_proto::Timestamp;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::{self, ServerConfig};

use super::value;

/// The only protocol offered in ALPN.
const ALPN: &[u8] = b"http/1.1";

/// A certificate chain and its key, ready for use.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawTls")]
pub struct Tls {
    cert: PathBuf,
    key: PathBuf,
    /// Whether every user of the machine can read the key.
    is_key_open: bool,
    leaf: CertificateDer<'static>,
    server: Arc<ServerConfig>,
}

/// A certificate and its key, read at start and at each reload.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTls {
    /// PEM file of the certificate, followed by its intermediate certificates.
    cert: PathBuf,
    /// PEM file of the certificate's private key.
    key: PathBuf,
}

impl Tls {
    /// The configuration for a TLS acceptor.
    #[must_use]
    pub fn server(&self) -> &Arc<ServerConfig> {
        &self.server
    }

    /// Problems that do not prevent its use.
    pub(super) fn warnings(&self, now: Timestamp) -> Vec<String> {
        let mut warnings = Vec::new();
        let cert = self.cert.display();
        match validity(&self.leaf, now) {
            Validity::Valid => {}
            Validity::Expired => {
                warnings.push(format!("{cert} has expired: clients will reject it"));
            }
            Validity::NotYetValid => {
                warnings.push(format!("{cert} is not valid yet: clients will reject it"));
            }
        }
        if self.is_key_open {
            let key = self.key.display();
            warnings
                .push(format!("{key} can be read by every user of this machine; run chmod 600"));
        }
        warnings
    }
}

impl TryFrom<RawTls> for Tls {
    type Error = String;

    fn try_from(raw: RawTls) -> Result<Self, String> {
        let RawTls { cert, key } = raw;
        let chain = read(&cert, "a PEM file of certificates")?;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain)
            .collect::<Result<_, _>>()
            .map_err(|error| not(&cert, error, "a PEM file of certificates"))?;
        let Some(leaf) = chain.first().cloned() else {
            return Err(not(&cert, "no certificate in it", "a PEM file of certificates"));
        };
        let allowed = "the PEM file of the certificate's private key";
        let private = PrivateKeyDer::from_pem_slice(&read(&key, allowed)?)
            .map_err(|error| not(&key, error, allowed))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| not(&cert, error, "a certificate"))?
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => {
                    let found = format!("not the key of {}", cert.display());
                    not(&key, found, allowed)
                }
                rustls::Error::InvalidCertificate(_) => {
                    not(&cert, error, "a certificate of X.509, version 3")
                }
                error => not(&key, error, "an RSA, ECDSA or Ed25519 key"),
            })?;
        server.alpn_protocols = vec![ALPN.to_vec()];
        let is_key_open = is_open(&key);
        Ok(Self { cert, key, is_key_open, leaf, server: Arc::new(server) })
    }
}

/// Compares the certificates as well as the paths, so that a renewed certificate in the same file is a change.
impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        (&self.cert, &self.key, &self.leaf) == (&other.cert, &other.key, &other.leaf)
    }
}

impl Eq for Tls {}

/// The printed form: the files, and a hash of the certificate.
impl Serialize for Tls {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Printed<'a> {
            cert: String,
            key: &'a Path,
        }
        let cert = format!("{}, {}", self.cert.display(), value::fingerprint(&self.leaf));
        Printed { cert, key: &self.key }.serialize(serializer)
    }
}

fn read(file: &Path, allowed: &str) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| not(file, error, allowed))
}

/// An error about `file`, in the form that `document` parses.
fn not(file: &Path, found: impl Display, allowed: &str) -> String {
    format!("{} ({found}), expected {allowed}", file.display())
}

#[cfg(unix)]
fn is_open(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    const READ_BY_OTHERS: u32 = 0o004;
    std::fs::metadata(file).is_ok_and(|meta| meta.permissions().mode() & READ_BY_OTHERS != 0)
}

#[cfg(not(unix))]
fn is_open(_: &Path) -> bool {
    false
}

enum Validity {
    NotYetValid,
    Valid,
    Expired,
}

/// Whether a certificate is valid at `now`. The verifier checks dates first; without trust anchors it fails afterwards,
/// which is ignored.
fn validity(leaf: &CertificateDer<'_>, now: Timestamp) -> Validity {
    let Ok(certificate) = webpki::EndEntityCert::try_from(leaf) else { return Validity::Valid };
    let at = UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()));
    let usage = webpki::KeyUsage::server_auth();
    match certificate.verify_for_usage(&[], &[], &[], at, usage, None, None) {
        Err(webpki::Error::CertExpired { .. }) => Validity::Expired,
        Err(webpki::Error::CertNotValidYet { .. }) => Validity::NotYetValid,
        Ok(_) | Err(_) => Validity::Valid,
    }
}
