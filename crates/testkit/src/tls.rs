//! Certificates for servers that are reached over TLS.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use crate::watchdog;

/// An authority that nobody else trusts, and a certificate of it for 127.0.0.1. On disk until dropped.
#[derive(Debug)]
pub struct Certificates {
    dir: TempDir,
}

impl Certificates {
    /// Makes both.
    ///
    /// # Panics
    /// When they can't be written.
    #[must_use]
    pub fn issue() -> Self {
        let dir = watchdog::directory("certificates");
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let root = authority.self_signed(&key).expect("a certificate");
        let issuer = Issuer::new(authority, key);
        let server_key = KeyPair::generate().expect("a key");
        let server = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()])
            .and_then(|server| server.signed_by(&server_key, &issuer))
            .expect("a certificate");
        let certificates = Self { dir };
        let both = server.pem() + &server_key.serialize_pem();
        for (path, pem) in [(certificates.authority(), root.pem()), (certificates.server(), both)] {
            fs::write(path, pem).expect("a file");
        }
        certificates
    }

    /// The authority's certificate, in PEM.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.file("authority.pem")
    }

    /// A server's certificate with its key, in PEM.
    #[must_use]
    pub fn server(&self) -> PathBuf {
        self.file("server.pem")
    }

    fn file(&self, name: &str) -> PathBuf {
        Path::new(self.dir.path()).join(name)
    }
}
