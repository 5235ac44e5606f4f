//! Files, sent and saved.

use std::path::{Path, PathBuf};

use hubbub_client::http::Page;
use hubbub_protocol::{Attachment, Draft, MessageId, RoomId};
use tokio::io::AsyncWriteExt;

use super::{Chat, Own, explain};
use crate::screen::{bytes, plain};

/// How many of a room's newest messages are looked at for a file.
const LOOKED_AT: u32 = 100;

impl Chat {
    /// Sends a file of this machine, with words if there are any.
    pub(super) async fn send_file(&mut self, path: &str, text: &str) -> Result<(), String> {
        let room = self.room()?;
        let content = tokio::fs::read(path).await.map_err(|error| format!("{path}: {error}"))?;
        let name = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.ok_or_else(|| format!("{path}: this is no file"))?;
        let file = self.api.upload(room, &name, content).await.map_err(explain)?.attachment;
        let id = MessageId::new();
        let own = if text.is_empty() { file.name } else { text.to_owned() };
        let body = Draft { attachments: vec![file.id], ..Draft::text(text) };
        let client = &self.session()?.client;
        client.send_as(id, room, body).await.map_err(|error| error.to_string())?;
        self.own.insert(id, Own { text: own, shown: false, stored: false, failed: false });
        Ok(())
    }

    /// Saves the last file of the current room: under its own name here, or where it is told.
    /// Nothing that is there is written over.
    pub(super) async fn save_file(&mut self, path: Option<&str>) -> Result<(), String> {
        let room = self.room()?;
        let file = self.last_file(room).await?;
        let path = place(path, &file.name);
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let mut download = self.api.download(file.id).await.map_err(explain)?;
        let mut saved = tokio::fs::File::create_new(&path).await.map_err(failed)?;
        while let Some(piece) = download.next().await.map_err(explain)? {
            saved.write_all(piece.as_ref()).await.map_err(failed)?;
        }
        saved.flush().await.map_err(failed)?;
        let saved = plain(&path.display().to_string());
        self.screen.line(&format!("saved {saved} ({})", bytes(file.size)));
        Ok(())
    }

    async fn last_file(&self, room: RoomId) -> Result<Attachment, String> {
        let page = self.api.messages(room, Page::Latest, LOOKED_AT).await.map_err(explain)?;
        let files = page.messages.into_iter().flat_map(|message| message.body.attachments);
        files.last().ok_or_else(|| "there is no file here".to_owned())
    }
}

/// Where a file is saved. Its name comes from somebody else: only its last part counts, and that
/// only if it is one.
fn place(path: Option<&str>, name: &str) -> PathBuf {
    let last = Path::new(name).file_name().filter(|last| !last.to_string_lossy().starts_with('.'));
    let name = last.map_or_else(|| PathBuf::from("file"), PathBuf::from);
    match path.map(Path::new) {
        None => name,
        Some(directory) if directory.is_dir() => directory.join(name),
        Some(path) => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_by_somebody_else_leads_nowhere_else() {
        for (name, saved) in [
            ("a.txt", "a.txt"),
            ("../../etc/passwd", "passwd"),
            ("..", "file"),
            (".bashrc", "file"),
        ] {
            assert_eq!(place(None, name), Path::new(saved), "{name}");
        }
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().to_str().unwrap();
        assert_eq!(place(Some(dir), "../a.txt"), Path::new(dir).join("a.txt"));
        assert_eq!(place(Some("b.txt"), "a.txt"), Path::new("b.txt"));
    }
}
