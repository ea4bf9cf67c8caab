//! TLS on both ports: accepted and rejected handshakes, and renewed certificates.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use stagedoor::config::{Config, Tls};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::common::raw::upgrade;
use crate::common::{Gateway, SERVER_KEY, Setup, start_of};

/// A certificate of its own making for `localhost`, and the files it is in.
pub struct Issued {
    pub der: CertificateDer<'static>,
    pub cert_pem: String,
    pub key_pem: String,
}

pub fn issue() -> Issued {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    Issued {
        der: issued.cert.der().clone(),
        cert_pem: issued.cert.pem(),
        key_pem: issued.signing_key.serialize_pem(),
    }
}

impl Issued {
    /// Writes `NAME.pem` and `NAME.key`.
    pub fn write(&self, directory: &Path, name: &str) {
        std::fs::write(directory.join(format!("{name}.pem")), &self.cert_pem).unwrap();
        std::fs::write(directory.join(format!("{name}.key")), &self.key_pem).unwrap();
    }

    /// A connection that trusts this certificate alone.
    pub async fn connect(&self, address: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(client)).connect(name, stream).await
    }
}

/// What the files in `directory` configure, both ports with certificates of their own.
pub fn tls(directory: &Path, name: &str) -> Result<Tls, String> {
    let text = format!(
        "[store.sqlite]\npath = \"f\"\n[[apps]]\nid = \"a\"\nguests = true\n\
         [listen.tls]\ncert = \"{name}.pem\"\nkey = \"{name}.key\"\n"
    );
    let config = Config::parse(&directory.join("stagedoor.toml"), &text);
    config.map(|config| config.listen.tls.unwrap()).map_err(|error| error.to_string())
}

/// The head of the answer to a request.
pub async fn head(stream: &mut TlsStream<TcpStream>, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

async fn secured(issued: &Issued, directory: &Path) -> Gateway {
    issued.write(directory, "a");
    let tls = tls(directory, "a").unwrap();
    Setup::new().with(|config| config.listen.tls = Some(tls)).run().await
}

#[tokio::test]
async fn a_session_lives_behind_tls() {
    let (directory, issued) = (tempfile::tempdir().unwrap(), issue());
    let gateway = secured(&issued, directory.path()).await;
    let stream = issued.connect(&gateway.address().to_string()).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let url = gateway.url();
    let (mut ws, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    let start = json!({ "id": 1, "start": start_of("ada", "instance-1") }).to_string();
    futures::SinkExt::send(&mut ws, start.into()).await.unwrap();
    loop {
        let message = futures::StreamExt::next(&mut ws).await.unwrap().unwrap();
        let message: serde_json::Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
        if let Some(started) = message["ok"].get("started") {
            assert_eq!(started["session"]["state"], "established");
            break;
        }
    }
    assert_eq!(gateway.hub().sessions.count(), 1);
}

#[tokio::test]
async fn the_server_api_answers_behind_tls() {
    let (directory, issued) = (tempfile::tempdir().unwrap(), issue());
    let gateway = secured(&issued, directory.path()).await;
    let mut stream = issued.connect(&gateway.address().to_string()).await.unwrap();
    let request = format!(
        "GET /api/v1/apps/demo/sessions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {SERVER_KEY}\r\n\r\n"
    );
    assert!(head(&mut stream, &request).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn what_is_no_handshake_is_dropped_and_others_are_served() {
    let (directory, issued) = (tempfile::tempdir().unwrap(), issue());
    let gateway = secured(&issued, directory.path()).await;
    let mut plain = TcpStream::connect(gateway.address()).await.unwrap();
    plain.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert!(
        issue().connect(&gateway.address().to_string()).await.is_err(),
        "another's certificate"
    );
    issued.connect(&gateway.address().to_string()).await.unwrap();
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_given_up() {
    let (directory, issued) = (tempfile::tempdir().unwrap(), issue());
    issued.write(directory.path(), "a");
    let tls = tls(directory.path(), "a").unwrap();
    let gateway = Setup::new()
        .with(|config| {
            config.listen.tls = Some(tls);
            config.limits.handshake_timeout = std::time::Duration::from_millis(20);
        })
        .run()
        .await;
    let mut silent = TcpStream::connect(gateway.address()).await.unwrap();
    silent.write_all(&[0x16, 3, 1]).await.unwrap(); // The beginning of a hello.
    assert_eq!(silent.read(&mut [0; 8]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn beyond_the_bound_there_is_no_handshake() {
    let (directory, issued) = (tempfile::tempdir().unwrap(), issue());
    issued.write(directory.path(), "a");
    let tls = tls(directory.path(), "a").unwrap();
    let gateway = Setup::new()
        .with(|config| {
            config.listen.tls = Some(tls);
            config.limits.pending_connections = 1;
        })
        .run()
        .await;
    let address = gateway.address().to_string();
    let mut first = issued.connect(&address).await.unwrap();
    assert!(issued.connect(&address).await.is_err());
    assert!(head(&mut first, &upgrade("")).await.starts_with("HTTP/1.1 101"));
}

#[tokio::test]
async fn a_renewed_certificate_is_for_those_who_come_next() {
    let (directory, old, new) = (tempfile::tempdir().unwrap(), issue(), issue());
    let gateway = secured(&old, directory.path()).await;
    let address = gateway.address().to_string();
    let mut before = old.connect(&address).await.unwrap();
    new.write(directory.path(), "b");
    let renewed = tls(directory.path(), "b").unwrap();
    let changes = gateway.reload(|config| config.listen.tls = Some(renewed));
    assert_eq!(changes, ["listen.tls.cert", "listen.tls.key"]);
    new.connect(&address).await.unwrap();
    assert!(old.connect(&address).await.is_err());
    let request = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert!(head(&mut before, request).await.starts_with("HTTP/1.1 200"));
}

#[test]
fn unusable_tls_files_are_reported() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let (one, other) = (issue(), issue());
    for (case, cert, key, received) in [
        ("no certificate", Some("junk"), Some(&*one.key_pem), "no certificate in it"),
        (
            "no key",
            Some(&*one.cert_pem),
            Some("junk"),
            "expected the PEM file of the certificate's private key",
        ),
        ("another's key", Some(&*one.cert_pem), Some(&*other.key_pem), "not the key of"),
        ("no key file", Some(&*one.cert_pem), None, "x.key (No such file"),
        ("no certificate file", None, Some(&*one.key_pem), "x.pem (No such file"),
        (
            "a certificate of nothing",
            Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            Some(&*one.key_pem),
            "x.pem (",
        ),
    ] {
        for (name, text) in [("x.pem", cert), ("x.key", key)] {
            let _ = std::fs::remove_file(path.join(name));
            if let Some(text) = text {
                std::fs::write(path.join(name), text).unwrap();
            }
        }
        let error = tls(path, "x").unwrap_err();
        assert!(
            error.contains(":6: listen.tls: found ") && error.contains(received),
            "{case}: {error}"
        );
    }
}

#[cfg(unix)]
#[test]
fn an_expired_certificate_and_an_open_key_are_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    for (year, expected) in [(2_020, "has expired"), (2_998, "is not valid yet")] {
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(year - 1, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let cert = params.self_signed(&key).unwrap();
        let issued =
            Issued { der: cert.der().clone(), cert_pem: cert.pem(), key_pem: key.serialize_pem() };
        issued.write(directory.path(), "a");
        let file = directory.path().join("a.key");
        for (mode, warnings) in [(0o644, 2), (0o600, 1)] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            let text = "[store.sqlite]\npath = \"f\"\n[[apps]]\nid = \"a\"\nguests = true\n\
                        [listen.tls]\ncert = \"a.pem\"\nkey = \"a.key\"\n";
            let config = Config::parse(&directory.path().join("s.toml"), text).unwrap();
            let received = config.warnings(stagedoor::clock::Clock::system().wall());
            assert_eq!(received.len(), warnings, "{received:?}");
            assert!(
                received[0].starts_with("listen.tls: ") && received[0].contains(expected),
                "{received:?}"
            );
        }
    }
}
