//! `wss://`, through a terminator with a certificate of a test authority of its own (good for a hundred years).

use std::sync::Arc;

use stagedoor_client::{Client, ConnectError, DialError};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::gateway::Gateway;

const AUTHORITY: &[u8] = include_bytes!("ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("cert.pem");
const KEY: &[u8] = include_bytes!("key.pem");

/// Takes TLS off and forwards to the gateway; where it listens.
async fn terminate(gateway: &Gateway) -> u16 {
    let chain = CertificateDer::pem_slice_iter(CERTIFICATE).collect::<Result<_, _>>();
    let chain = chain.expect("a chain");
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate and its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("a bound socket").port();
    let upstream = gateway.address();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            // A client that does not trust the certificate goes away.
            let Ok(mut client) = acceptor.accept(client).await else { continue };
            let mut gateway = TcpStream::connect(upstream).await.expect("a gateway");
            let _ = tokio::io::copy_bidirectional(&mut client, &mut gateway).await;
        }
    });
    port
}

#[tokio::test]
async fn a_session_runs_over_tls_with_a_trusted_authority() {
    for host in ["localhost", "127.0.0.1"] {
        let gateway = Gateway::bind().await;
        let port = terminate(&gateway).await;
        let builder = Client::builder(format!("wss://{host}:{port}/v1/connect")).app("demo");
        let builder = builder.root_certificates(AUTHORITY);
        let (client, _served) = tokio::join!(builder.connect(), async {
            let mut served = gateway.accept().await;
            served.start().await;
            served
        });
        assert_eq!(client.unwrap().0.user().unwrap().username.as_str(), "ann", "{host}");
    }
}

#[tokio::test]
async fn an_unknown_authority_is_not_trusted() {
    let gateway = Gateway::bind().await;
    let port = terminate(&gateway).await;
    let builder = Client::builder(format!("wss://localhost:{port}/v1/connect")).app("demo");
    let refused = builder.connect().await;
    assert!(matches!(refused, Err(ConnectError::Dial(DialError::Tls { .. }))), "{refused:?}");
}
