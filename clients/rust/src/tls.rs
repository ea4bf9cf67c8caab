//! TLS for a WebSocket: the trusted certificates, and a stream with or without TLS.
//!
//! The certificates of the operating system and those that the program adds are trusted. Without the feature `tls`
//! there are only plain streams.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

#[cfg(feature = "tls")]
pub(crate) use with::Tls;
#[cfg(not(feature = "tls"))]
pub(crate) use without::Tls;

/// A TCP stream, with or without TLS.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

impl Stream {
    /// The TCP stream below.
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

/// Calls a method of the inner stream.
macro_rules! either {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream.get_mut() {
            Stream::Plain(stream) => {
                let $inner = Pin::new(stream);
                $call
            }
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => {
                let $inner = Pin::new(&mut **stream);
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(cx))
    }
}

#[cfg(feature = "tls")]
mod with {
    use std::sync::{Arc, OnceLock};

    use tokio::net::TcpStream;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::crypto::aws_lc_rs;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    use super::{Stream, io};

    /// The trusted certificates. They are loaded at the first use.
    #[derive(Clone, Default)]
    pub(crate) struct Tls {
        added: Vec<u8>,
        connector: Arc<OnceLock<TlsConnector>>,
    }

    impl Tls {
        /// Adds the certificates in `pem`.
        pub(crate) fn add(&mut self, pem: &[u8]) {
            self.added.extend_from_slice(pem);
            self.added.push(b'\n');
            self.connector = Arc::default();
        }

        /// Runs the TLS handshake on `stream` and verifies that the peer is `host`.
        pub(crate) async fn connect(&self, host: &str, stream: TcpStream) -> io::Result<Stream> {
            let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
            let stream = self.connector()?.connect(name, stream).await?;
            Ok(Stream::Tls(Box::new(stream)))
        }

        fn connector(&self) -> io::Result<&TlsConnector> {
            if let Some(connector) = self.connector.get() {
                return Ok(connector);
            }
            let mut roots = RootCertStore::empty();
            // Missing or invalid certificates of the operating system are ignored; those of the program still apply.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            for certificate in CertificateDer::pem_slice_iter(&self.added) {
                let certificate = certificate.map_err(io::Error::other)?;
                roots.add(certificate).map_err(io::Error::other)?;
            }
            let config =
                ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                    .with_safe_default_protocol_versions()
                    .map_err(io::Error::other)?
                    .with_root_certificates(roots)
                    .with_no_client_auth();
            Ok(self.connector.get_or_init(|| TlsConnector::from(Arc::new(config))))
        }
    }
}

#[cfg(not(feature = "tls"))]
mod without {
    /// No certificate is trusted: there are no roots.
    #[derive(Clone, Default)]
    pub(crate) struct Tls {}
}
