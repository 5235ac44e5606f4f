//! How a file may be compressed on its way: `Accept-Encoding` (RFC 9110, section 12.5.3).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;

/// A way to compress a file. The first is preferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    pub(super) const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// The name in headers.
    pub(super) const fn token(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// What the build adds to the name of a compressed file.
    pub(super) const fn ending(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }

    /// Whether the client takes it. One that says nothing takes none: it may be a plain tool.
    pub(super) fn is_accepted(self, headers: &HeaderMap) -> bool {
        let mut others = false;
        for (token, accepted) in accepted(headers) {
            if token.eq_ignore_ascii_case(self.token()) {
                return accepted;
            }
            others |= token == "*" && accepted;
        }
        others
    }
}

/// Each coding the client names, and whether it takes it: a weight of zero means it does not.
fn accepted(headers: &HeaderMap) -> impl Iterator<Item = (&str, bool)> {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|coding| {
            let (token, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
            (token.trim(), weight.is_ok_and(|weight| weight > 0.0))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(sent: &str) -> Vec<&'static str> {
        let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, sent.parse().unwrap())]);
        let all = Encoding::ALL.into_iter();
        all.filter(|encoding| encoding.is_accepted(&headers)).map(Encoding::token).collect()
    }

    #[test]
    fn what_a_client_names_it_takes() {
        assert_eq!(taken("gzip, deflate, br, zstd"), ["br", "gzip"]);
        assert_eq!(taken("GZIP;q=0.5"), ["gzip"]);
        assert_eq!(taken("*"), ["br", "gzip"]);
        assert_eq!(taken("br;q=0, *;q=0.1"), ["gzip"]);
    }

    #[test]
    fn what_it_refuses_or_does_not_name_it_does_not_get() {
        assert!(taken("identity").is_empty());
        assert!(taken("").is_empty());
        assert!(taken("gzip;q=0, br; q=0.000").is_empty());
        assert!(taken("brotli, *;q=0, gzip;q=much").is_empty());
        assert!(!Encoding::Gzip.is_accepted(&HeaderMap::new()));
    }
}
