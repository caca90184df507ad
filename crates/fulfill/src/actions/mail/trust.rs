//! Which certificates a mail server may show: those of the machine's authorities, those that a
//! certificate of the merchant's own has signed, and that certificate itself.

use lettre::transport::smtp::{
    Error,
    client::{Certificate, TlsParameters},
};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

/// What rustls says of a certificate that would be good, were it not an authority's. It looks at the
/// time before that.
const AUTHORITY: &str = "CaUsedAsEndEntity";

/// A certificate that the merchant trusts.
#[derive(Debug, Clone)]
pub(super) struct Trusted(CertificateDer<'static>);

impl Trusted {
    /// Every certificate of a file; nothing where there is none, or one cannot be read.
    pub(super) fn read(pem: &[u8]) -> Option<Vec<Self>> {
        let all: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .map(|read| read.map(Self))
            .collect::<Result<_, _>>()
            .ok()?;
        Some(all).filter(|all| !all.is_empty())
    }
}

/// How the certificate that one mail server shows is judged.
pub(super) struct Trust {
    by_signature: TlsParameters,
    by_sight: Option<TlsParameters>,
    trusted: Vec<Trusted>,
}

impl Trust {
    /// # Errors
    /// When TLS cannot be set up on this machine.
    pub(super) fn new(host: &str, trusted: &[Trusted]) -> Result<Self, Error> {
        let mut tls = TlsParameters::builder(host.to_owned());
        for Trusted(certificate) in trusted {
            tls = tls.add_root_certificate(Certificate::from_der(certificate.to_vec())?);
        }
        let by_sight = match trusted {
            [] => None,
            // The name is still looked at, and that the server holds the key.
            _ => {
                let any = TlsParameters::builder(host.to_owned());
                Some(any.dangerous_accept_invalid_certs(true).build_rustls()?)
            }
        };
        Ok(Self { by_signature: tls.build_rustls()?, by_sight, trusted: trusted.to_vec() })
    }

    /// Takes what a known authority has signed.
    pub(super) fn by_signature(&self) -> &TlsParameters {
        &self.by_signature
    }

    /// An authority's certificate is refused as a server's own, and `openssl req -x509` makes every
    /// certificate an authority's. So this takes any certificate for the name; before a word is said
    /// to whoever shows it, [`Trust::is_known`] has to be asked.
    pub(super) fn by_sight(&self, refused: &Error) -> Option<&TlsParameters> {
        self.by_sight.as_ref().filter(|_| told(refused).contains(AUTHORITY))
    }

    /// Whether it is, byte for byte, a certificate that the merchant named.
    pub(super) fn is_known(&self, shown: &[u8]) -> bool {
        self.trusted.iter().any(|Trusted(known)| known.as_ref() == shown)
    }
}

/// Why a server's certificate was refused, and what to do; nothing where it was not about that.
pub(super) fn refused(host: &str, error: &Error) -> Option<String> {
    let told = told(error);
    if !told.contains("certificate") {
        return None;
    }
    Some(if told.contains("not valid for name") {
        let kind = if host.parse::<std::net::IpAddr>().is_ok() { "IP" } else { "DNS" };
        format!(
            "the certificate of {host} is not made for this name: [mail] smtp has to name the server \
             as its certificate does, or the certificate needs subjectAltName={kind}:{host} ({told})"
        )
    } else if told.contains("expired") || told.contains("not valid yet") {
        format!(
            "the certificate of {host} is not valid today: its server needs another one ({told})"
        )
    } else {
        format!(
            "the certificate of {host} is not trusted: [mail] ca can name a file with it, or with the \
             one that signed it ({told})"
        )
    })
}

/// An error and its causes, each once.
pub(super) fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
