//! What was written for a file and has no use.

use hubbub_store::blobs::Part;
use hubbub_store::{FileRecord, StoreError};

use crate::app::App;

/// Removes of `written` what is no part of the file, which the store is asked about and returned as it
/// stands there. Of a file that is forgotten, given up or gone with its room, everything is removed:
/// whoever else would have, has done so already.
///
/// # Errors
/// When the store can't be asked. Then everything stays.
pub(super) async fn remove<'a>(
    app: &App,
    file: &FileRecord,
    written: impl IntoIterator<Item = &'a Part> + Send,
) -> Result<Option<FileRecord>, StoreError> {
    let found = app.store.file(file.id).await?;
    match &found {
        Some(found) => remove_but(app, found, written).await,
        None => {
            if let Err(error) = app.blobs.remove_all(file.folder()).await {
                tracing::warn!(%error, file = %file.id, "bytes of a forgotten file could not be removed");
            }
        }
    }
    Ok(found)
}

/// Removes of `written` what is no part of the file.
pub(super) async fn remove_but<'a>(
    app: &App,
    file: &FileRecord,
    written: impl IntoIterator<Item = &'a Part> + Send,
) {
    let useless: Vec<_> = written.into_iter().filter(|part| !file.parts.contains(part)).collect();
    for part in useless {
        // What stays by mistake goes with the file.
        let _ = app.blobs.remove(&part.key(file.folder())).await;
    }
}
