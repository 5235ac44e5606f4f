//! The keys that sign access tokens.
//!
//! The first key signs, all of them verify. A node must never meet a token of a key that it does not
//! know, so a rotation is: put a new key at the end, restart the nodes; put it in front, restart the
//! nodes; take the old key out once its last access token has run out, restart the nodes
//! (`hubbub-admin rotate-keys`). Nobody is logged out by it.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};

/// Fewest bytes of a key: as many as HMAC-SHA-256 puts out (RFC 2104, section 3).
pub const KEY_BYTES_MIN: usize = 32;
/// Most keys at once. Two are needed for a rotation.
pub const KEYS_MAX: usize = 8;
/// Longest key id, in characters.
pub const KEY_ID_MAX: usize = 32;

/// Why there are no signing keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// Not of the form `kid:key`.
    #[error("signing key {0} is not of the form `kid:key`, the key in base64url")]
    Form(
        /// Its place in the list, from 1.
        usize,
    ),
    /// The key id is unusable.
    #[error("signing key {0} needs an id of 1 to 32 characters of A-Z a-z 0-9 _ -")]
    Id(
        /// Its place in the list, from 1.
        usize,
    ),
    /// The key is too short.
    #[error("signing key `{0}` has less than 32 bytes; `openssl rand -base64 32` makes a good one")]
    Short(
        /// Its id.
        String,
    ),
    /// Two keys with one id.
    #[error("signing key id `{0}` is there twice")]
    Repeated(
        /// The id.
        String,
    ),
    /// There is none, or more than [`KEYS_MAX`].
    #[error("1 to 8 signing keys are needed, there are {0}")]
    Count(
        /// How many there are.
        usize,
    ),
    /// The key file can't be read or made.
    #[error("signing key file {path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
}

/// A key with its id. Never shown.
#[derive(Clone)]
pub(super) struct SigningKey {
    pub(super) id: String,
    pub(super) secret: Vec<u8>,
}

/// The keys that sign access tokens: the first signs, all verify.
#[derive(Clone)]
pub struct SigningKeys(Vec<SigningKey>);

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}

impl SigningKeys {
    /// Reads `kid:key,kid:key,…`: each key in base64 (either alphabet, padding optional), of at
    /// least [`KEY_BYTES_MIN`] bytes. White space around entries does not count.
    ///
    /// # Errors
    /// [`KeysError`], which never shows a key.
    pub fn parse(text: &str) -> Result<Self, KeysError> {
        let mut keys: Vec<SigningKey> = Vec::new();
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        for (place, entry) in (1..).zip(entries) {
            let (id, secret) = entry.split_once(':').ok_or(KeysError::Form(place))?;
            let secret = decode(secret).ok_or(KeysError::Form(place))?;
            if !is_key_id(id) {
                return Err(KeysError::Id(place));
            }
            if secret.len() < KEY_BYTES_MIN {
                return Err(KeysError::Short(id.to_owned()));
            }
            if keys.iter().any(|key| key.id == id) {
                return Err(KeysError::Repeated(id.to_owned()));
            }
            keys.push(SigningKey { id: id.to_owned(), secret });
        }
        if keys.is_empty() || keys.len() > KEYS_MAX {
            return Err(KeysError::Count(keys.len()));
        }
        Ok(Self(keys))
    }

    /// One new key.
    #[must_use]
    pub fn generate() -> Self {
        let mut bytes = [0_u8; 4 + KEY_BYTES_MIN];
        SystemRandom::new()
            .fill(&mut bytes)
            .expect("the operating system's random source does not fail once it is seeded");
        let (id, secret) = bytes.split_at(4);
        let id = id.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(vec![SigningKey { id, secret: secret.to_vec() }])
    }

    /// The keys in a file, which is made with one new key if it is not there.
    ///
    /// The file is readable by its owner only and appears complete or not at all; of several
    /// processes that start at once, one makes it and all use it.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn load_or_create(path: &Path) -> Result<Self, KeysError> {
        let failed = |source| KeysError::File { path: path.to_owned(), source };
        match Self::load(path) {
            Err(KeysError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            loaded => return loaded,
        }
        match Self::generate().create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed(error)),
            // Read back what is there: it may be another process's.
            _ => Self::load(path),
        }
    }

    fn load(path: &Path) -> Result<Self, KeysError> {
        let failed = |source| KeysError::File { path: path.to_owned(), source };
        let text = fs::read_to_string(path).map_err(failed)?;
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            tracing::warn!(path = %path.display(), "the signing key file is open to others; `chmod 600` it");
        }
        Self::parse(&text)
    }

    fn create(&self, path: &Path) -> io::Result<()> {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(format!(".{}", std::process::id()));
        let unfinished = PathBuf::from(unfinished);
        let written = (|| {
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&unfinished)?;
            writeln!(file, "{}", self.to_text())?;
            file.sync_all()?;
            // Unlike a rename, a link never replaces what another process has put there.
            fs::hard_link(&unfinished, path)
        })();
        fs::remove_file(&unfinished)?;
        written?;
        match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    }

    fn to_text(&self) -> String {
        let entries: Vec<_> = self
            .0
            .iter()
            .map(|key| format!("{}:{}", key.id, URL_SAFE_NO_PAD.encode(&key.secret)))
            .collect();
        entries.join(",")
    }

    /// The key that signs.
    pub(super) fn signing(&self) -> &SigningKey {
        self.0.first().expect("parse and generate never make an empty list")
    }

    /// Every key.
    pub(super) fn all(&self) -> &[SigningKey] {
        &self.0
    }
}

fn is_key_id(text: &str) -> bool {
    (1..=KEY_ID_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Operators make keys with whatever is at hand, so the standard alphabet and padding will do.
fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim().trim_end_matches('=').replace('+', "-").replace('/', "_");
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> String {
        URL_SAFE_NO_PAD.encode([byte; 32])
    }

    #[test]
    fn the_first_key_signs_and_all_are_kept() {
        let keys = SigningKeys::parse(&format!("new:{}, old:{}\n", key(1), key(2))).unwrap();
        assert_eq!(keys.signing().id, "new");
        assert_eq!(keys.all().len(), 2);
        assert_eq!(keys.all()[1].secret, [2; 32]);
    }

    #[test]
    fn the_standard_alphabet_with_padding_is_read_as_well() {
        let bytes = [0xfb; 32];
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        assert!(text.contains('+') && text.ends_with('='), "{text}");
        let keys = SigningKeys::parse(&format!("a:{text}")).unwrap();
        assert_eq!(keys.signing().secret, bytes);
    }

    #[test]
    fn unusable_keys_are_refused_by_name() {
        let refused = |text: &str| SigningKeys::parse(text).expect_err(text).to_string();
        let good = key(1);
        assert!(refused("").contains("there are 0"));
        assert!(refused("nocolon").contains("signing key 1"));
        assert!(refused(&format!("a:{good},b:%%")).contains("signing key 2"));
        assert!(refused(&format!("a b:{good}")).contains("needs an id"));
        assert!(refused("short:AAAA").contains("`short`"));
        assert!(refused(&format!("a:{good},a:{good}")).contains("twice"));
        let nine: Vec<_> = (0..9).map(|n| format!("k{n}:{good}")).collect();
        assert!(refused(&nine.join(",")).contains("there are 9"));
    }

    #[test]
    fn debug_shows_ids_and_no_keys() {
        let text = format!("{:?}", SigningKeys::parse(&format!("a:{}", key(1))).unwrap());
        assert_eq!(text, r#"["a"]"#);
    }

    #[test]
    fn a_key_file_is_made_once_for_its_owner_only_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("signing-keys");
        let made = SigningKeys::load_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = SigningKeys::load_or_create(&path).unwrap();
        assert_eq!(again.signing().id, made.signing().id);
        assert_eq!(again.signing().secret, made.signing().secret);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing unfinished stays behind");
    }

    #[test]
    fn a_key_file_of_another_process_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("signing-keys");
        fs::write(&path, format!("theirs:{}", key(7))).unwrap();
        let error = SigningKeys::generate().create(&path).expect_err("it is there");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(SigningKeys::load_or_create(&path).unwrap().signing().id, "theirs");
    }

    #[test]
    fn a_key_file_that_can_not_be_made_is_named() {
        let error =
            SigningKeys::load_or_create(Path::new("/nonexistent/keys")).expect_err("no dir");
        assert!(error.to_string().contains("/nonexistent/keys"), "{error}");
    }
}
