//! Rotating signing keys, in a file that the gateways read with `HUBBUB_SIGNING_KEYS_FILE`.
//!
//! The first key of the list signs, all verify. A gateway must never meet a token of a key that it does
//! not know, so a rotation has three steps, with all gateways restarted after each: *add* puts a new
//! key at the end, *promote* moves it to the front, *retire* takes the others out, once their last
//! access token has run out. Nobody is logged out. Keys are written to the file and never shown.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;

use crate::output::{Outcome, Output};
use crate::reach::Failure;

/// Bytes of a key: as many as HMAC-SHA-256 puts out.
const KEY_BYTES: usize = 32;
/// Keys that a gateway takes.
const KEYS_MAX: usize = 8;

/// What is to be done about the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Put a new key at the end. A file that is not there is made, with one key.
    Add,
    /// Let the last key sign.
    Promote,
    /// Take out all but the key that signs.
    Retire,
}

/// Why the file stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// It can't be read or written.
    #[error("key file {path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It holds something else.
    #[error("key file {0} does not hold `id:key` entries, separated by commas")]
    Form(PathBuf),
    /// The step makes no sense now.
    #[error("{0}")]
    Step(&'static str),
}

#[derive(Serialize)]
struct Rotated<'a> {
    signs: &'a str,
    verify: Vec<&'a str>,
    next: &'static str,
}

/// Takes one step in the file at `path`.
///
/// # Errors
/// [`Failure::Keys`]; the file is then as it was.
pub fn rotate(path: &Path, step: Step, out: &mut Output<'_>) -> Result<Outcome, Failure> {
    let failed = |error| KeysError::File { path: path.to_owned(), error };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && step == Step::Add => String::new(),
        Err(error) => return Err(failed(error).into()),
    };
    let keys = read(&text).ok_or_else(|| KeysError::Form(path.to_owned()))?;
    let keys = after(keys, step)?;
    let entries: Vec<String> = keys.iter().map(|(id, key)| format!("{id}:{key}")).collect();
    replace(path, &(entries.join(",") + "\n")).map_err(failed)?;
    let ids: Vec<&str> = keys.iter().map(|(id, _)| id.as_str()).collect();
    let next = match (step, ids.len()) {
        (Step::Add, 1) => "give the file to every gateway",
        (Step::Add, _) => "restart every gateway with the file, then `rotate-keys promote`",
        (Step::Promote, _) => {
            "restart every gateway with the file, wait an access token's life, then `rotate-keys retire`"
        }
        (Step::Retire, _) => "restart every gateway with the file",
    };
    let text = format!("signs: {}\nverify: {}\nnext: {next}", ids[0], ids.join(", "));
    out.one(&Rotated { signs: ids[0], verify: ids.clone(), next }, &text)?;
    Ok(Outcome::Good)
}

fn read(text: &str) -> Option<Vec<(String, String)>> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let entry = |entry: &str| {
        let (id, key) = entry.split_once(':')?;
        let whole = !id.is_empty() && !key.is_empty();
        whole.then(|| (id.to_owned(), key.to_owned()))
    };
    entries.map(entry).collect()
}

fn after(mut keys: Vec<(String, String)>, step: Step) -> Result<Vec<(String, String)>, KeysError> {
    match step {
        Step::Add if keys.len() >= KEYS_MAX => {
            return Err(KeysError::Step("there are 8 keys already; retire the old ones first"));
        }
        Step::Add => keys.push(new_key()),
        Step::Promote if keys.len() < 2 => {
            return Err(KeysError::Step("there is no second key to promote; add one first"));
        }
        Step::Promote => keys.rotate_right(1),
        Step::Retire if keys.len() < 2 => {
            return Err(KeysError::Step("there is only the key that signs"));
        }
        Step::Retire => keys.truncate(1),
    }
    Ok(keys)
}

fn new_key() -> (String, String) {
    let mut bytes = [0_u8; 4 + KEY_BYTES];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the operating system's random source does not fail once it is seeded");
    let (id, key) = bytes.split_at(4);
    (id.iter().map(|byte| format!("{byte:02x}")).collect(), URL_SAFE_NO_PAD.encode(key))
}

/// Puts another text in place of the file's, complete or not at all, for the same owner and for nobody
/// else to read.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}", std::process::id()));
    let beside = path.with_file_name(name);
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        if let Ok(was) = fs::metadata(path) {
            fchown(&file, Some(was.uid()), Some(was.gid()))?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::output::Format;

    fn step(path: &Path, step: Step) -> Result<String, Failure> {
        let mut bytes = Vec::new();
        rotate(path, step, &mut Output::new(Format::Table, &mut bytes))?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    fn held(path: &Path) -> Vec<(String, String)> {
        read(&fs::read_to_string(path).unwrap()).unwrap()
    }

    #[test]
    fn a_rotation_goes_in_three_steps_and_shows_no_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        let first = step(&path, Step::Add).unwrap();
        let old = held(&path);
        assert_eq!(old.len(), 1);
        assert!(step(&path, Step::Promote).is_err() && step(&path, Step::Retire).is_err());
        let added = step(&path, Step::Add).unwrap();
        let both = held(&path);
        assert_eq!(both[0], old[0], "the old key signs until every gateway knows the new one");
        let promoted = step(&path, Step::Promote).unwrap();
        assert_eq!(held(&path), [both[1].clone(), both[0].clone()]);
        let retired = step(&path, Step::Retire).unwrap();
        assert_eq!(held(&path), both[1..]);
        for text in [first, added, promoted, retired] {
            assert!(both.iter().all(|(_, key)| !text.contains(key)), "{text}");
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_file_of_something_else_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        fs::write(&path, "no keys").unwrap();
        assert!(matches!(step(&path, Step::Add), Err(Failure::Keys(KeysError::Form(_)))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "no keys");
        let absent = step(&dir.path().join("absent"), Step::Promote);
        assert!(matches!(absent, Err(Failure::Keys(KeysError::File { .. }))));
    }

    #[test]
    fn a_gateway_takes_what_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        step(&path, Step::Add).unwrap();
        step(&path, Step::Add).unwrap();
        let (id, key) = &held(&path)[1];
        assert!(id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(URL_SAFE_NO_PAD.decode(key).unwrap().len(), KEY_BYTES);
    }
}
