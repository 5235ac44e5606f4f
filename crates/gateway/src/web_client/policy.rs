//! What browsers are told to refuse.

use std::sync::LazyLock;

use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The style elements that react-aria adds to the page, letter for letter: there is no other way to
/// let them in but by their digest, short of letting in every style.
const STYLES: [&str; 2] = [
    "@layer {\n  [data-react-aria-pressable] {\n    touch-action: pan-x pan-y pinch-zoom;\n  }\n}",
    "@layer {\n  * {\n    overscroll-behavior: contain;\n  }\n}",
];

/// The page's Content-Security-Policy.
///
/// `'self'` of `connect-src` is the socket as well. Of policies for trusted types there is one, for
/// the addresses of workers, which are scripts.
pub(super) static CONTENT: LazyLock<HeaderValue> = LazyLock::new(|| {
    let styles = STYLES.map(|style| {
        let digest = STANDARD.encode(Sha256::digest(style));
        format!(" 'sha256-{digest}'")
    });
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'{}; img-src 'self' blob: data:; \
         connect-src 'self'; font-src 'self'; media-src 'self' blob:; manifest-src 'self'; \
         worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; \
         require-trusted-types-for 'script'; trusted-types hubbub",
        styles.concat()
    );
    HeaderValue::try_from(policy).expect("the policy is ASCII")
});

/// What a page without script may do.
pub(super) const BARE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
);

/// What the client has no use for.
pub(super) const PERMISSIONS: HeaderValue = HeaderValue::from_static(
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
     hid=(), magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()",
);
