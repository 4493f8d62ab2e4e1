//! Lines that are secured by TLS.

use std::{fmt, io, path::Path, sync::Arc};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        self, ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem, pem::PemObject},
    },
};

/// TLS 1.2 or 1.3 to a network whose certificate is signed by one of these roots, and by nobody else. The network does not
/// ask who we are.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file is not there, or is no PEM.
    #[error("cannot read root certificates")]
    Read(#[source] pem::Error),
    /// Of the certificates in it, one cannot be a root.
    #[error("cannot take a root certificate")]
    Root(#[source] rustls::Error),
    /// There is none in it.
    #[error("there is no root certificate in the file")]
    NoRoot,
    /// The library has no version of the protocol in common with itself.
    #[error("cannot prepare TLS")]
    Versions(#[source] rustls::Error),
}

impl Tls {
    /// With the root certificates of a PEM file.
    ///
    /// # Errors
    /// When the file cannot be read, or has no certificate, or one that cannot be a root.
    pub fn with_roots_of(path: &Path) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(TlsError::Read)? {
            roots.add(certificate.map_err(TlsError::Read)?).map_err(TlsError::Root)?;
        }
        if roots.is_empty() {
            return Err(TlsError::NoRoot);
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(TlsError::Versions)?;
        Ok(Self { config: Arc::new(builder.with_root_certificates(roots).with_no_client_auth()) })
    }

    pub(crate) async fn connect(&self, name: &str, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        TlsConnector::from(Arc::clone(&self.config)).connect(name, stream).await
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}
