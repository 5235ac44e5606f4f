//! The client's files: those built into the program, or those of a directory.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use rust_embed::Embed;
use sha2::{Digest, Sha256};

use super::encoding::Encoding;

/// What `npm run build` has made. In debug builds it is read from there at each start.
#[derive(Embed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Built;

/// Every file of the client, by its path without the slash in front. They are read once.
#[derive(Debug, Default)]
pub struct Assets {
    files: HashMap<String, Asset>,
}

/// A file, as it is and compressed.
#[derive(Debug)]
pub(super) struct Asset {
    pub(super) content_type: HeaderValue,
    plain: Representation,
    /// In the order of [`Encoding::ALL`].
    compressed: Vec<(Encoding, Representation)>,
}

/// One way a file is sent.
#[derive(Debug)]
pub(super) struct Representation {
    pub(super) bytes: Bytes,
    pub(super) tag: String,
}

impl Assets {
    /// Those built in; none if the client was not built before the program was.
    #[must_use]
    pub fn built_in() -> Self {
        let read = |path: Cow<'static, str>| {
            let bytes = match Built::get(&path)?.data {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => bytes.into(),
            };
            Some((path.into_owned(), bytes))
        };
        Self::of(Built::iter().filter_map(read).collect())
    }

    /// Those of a directory, such as `web/dist`.
    ///
    /// # Errors
    /// A file can't be read, or there is no `index.html`.
    pub fn of_directory(directory: &Path) -> io::Result<Self> {
        let mut files = HashMap::new();
        read_into(&mut files, directory, "")?;
        let assets = Self::of(files);
        match assets.get(super::PAGE) {
            Some(_) => Ok(assets),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "there is no index.html")),
        }
    }

    fn of(mut bytes: HashMap<String, Bytes>) -> Self {
        let endings = Encoding::ALL.map(Encoding::ending);
        let is_plain = |path: &&String| {
            let uncompressed = endings.iter().find_map(|ending| path.strip_suffix(ending));
            uncompressed.is_none_or(|path| !bytes.contains_key(path))
        };
        let plain: Vec<String> = bytes.keys().filter(is_plain).cloned().collect();
        let mut files = HashMap::with_capacity(plain.len());
        for path in plain {
            let Some(own) = bytes.remove(&path) else { continue };
            let compressed = Encoding::ALL.into_iter().filter_map(|encoding| {
                let bytes = bytes.remove(&format!("{path}{}", encoding.ending()))?;
                Some((encoding, Representation::new(bytes)))
            });
            let asset = Asset {
                content_type: content_type(&path),
                compressed: compressed.collect(),
                plain: Representation::new(own),
            };
            files.insert(path, asset);
        }
        Self { files }
    }

    pub(super) fn get(&self, path: &str) -> Option<&Asset> {
        self.files.get(path)
    }
}

impl Asset {
    /// Whether what is sent depends on `Accept-Encoding`.
    pub(super) fn varies(&self) -> bool {
        !self.compressed.is_empty()
    }

    /// The first that `is_accepted`, else the file as it is.
    pub(super) fn choose(
        &self,
        is_accepted: impl Fn(Encoding) -> bool,
    ) -> (Option<Encoding>, &Representation) {
        match self.compressed.iter().find(|(encoding, _)| is_accepted(*encoding)) {
            Some((encoding, compressed)) => (Some(*encoding), compressed),
            None => (None, &self.plain),
        }
    }
}

impl Representation {
    fn new(bytes: Bytes) -> Self {
        let digest = URL_SAFE_NO_PAD.encode(&Sha256::digest(&bytes)[..12]);
        Self { tag: format!("\"{digest}\""), bytes }
    }
}

fn content_type(path: &str) -> HeaderValue {
    let guessed = mime_guess::from_path(path).first_raw().unwrap_or("application/octet-stream");
    match guessed {
        "text/html" => HeaderValue::from_static("text/html; charset=utf-8"),
        "text/css" => HeaderValue::from_static("text/css; charset=utf-8"),
        "text/javascript" => HeaderValue::from_static("text/javascript; charset=utf-8"),
        "text/plain" => HeaderValue::from_static("text/plain; charset=utf-8"),
        other => HeaderValue::from_static(other),
    }
}

fn read_into(files: &mut HashMap<String, Bytes>, directory: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            read_into(files, &entry.path(), &format!("{path}/"))?;
        } else {
            files.insert(path, fs::read(entry.path())?.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assets(paths: &[&'static str]) -> Assets {
        let bytes = |path: &&'static str| ((*path).to_owned(), Bytes::from_static(path.as_bytes()));
        Assets::of(paths.iter().map(bytes).collect())
    }

    #[test]
    fn compressed_files_belong_to_the_plain_one() {
        let assets = assets(&["a.js", "a.js.br", "a.js.gz", "b.png", "lone.gz"]);
        let script = assets.get("a.js").unwrap();
        let (encoding, chosen) = script.choose(|_| true);
        assert_eq!((encoding, &*chosen.bytes), (Some(Encoding::Brotli), &b"a.js.br"[..]));
        let (encoding, chosen) = script.choose(|encoding| encoding == Encoding::Gzip);
        assert_eq!((encoding, &*chosen.bytes), (Some(Encoding::Gzip), &b"a.js.gz"[..]));
        let (encoding, plain) = script.choose(|_| false);
        assert_eq!((encoding, &*plain.bytes), (None, &b"a.js"[..]));
        assert_ne!(plain.tag, chosen.tag);
        assert!(!assets.get("b.png").unwrap().varies());
        assert!(assets.get("a.js.br").is_none());
        assert!(assets.get("lone.gz").is_some());
    }

    #[test]
    fn files_have_the_types_browsers_want() {
        let types = [
            ("index.html", "text/html; charset=utf-8"),
            ("a.js", "text/javascript; charset=utf-8"),
            ("a.css", "text/css; charset=utf-8"),
            ("a.svg", "image/svg+xml"),
            ("a.png", "image/png"),
            ("a.ico", "image/x-icon"),
            ("a.woff2", "font/woff2"),
            ("a.json", "application/json"),
            ("a.webmanifest", "application/manifest+json"),
            ("a.nothing-known", "application/octet-stream"),
        ];
        for (path, expected) in types {
            assert_eq!(content_type(path), expected, "{path}");
        }
    }
}
