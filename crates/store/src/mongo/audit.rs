//! The audit list in MongoDB. Ids are version 7, so their order is that of time.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use hubbub_protocol::http::AuditEntry;
use hubbub_protocol::{AuditId, RoomId};
use mongodb::bson::{Document, deserialize_from_document, doc, serialize_to_bson};

use super::error::is_duplicate;
use super::{MongoStore, value};
use crate::StoreError;
use crate::audit::AuditStore;

fn entry(document: &Document) -> Result<AuditEntry, StoreError> {
    let entry = document.get_document("entry").ok().cloned();
    entry
        .and_then(|entry| deserialize_from_document(entry).ok())
        .ok_or_else(|| StoreError::Failed("a stored audit entry is not readable".to_owned()))
}

#[async_trait]
impl AuditStore for MongoStore {
    async fn append_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let content = serialize_to_bson(entry)
            .map_err(|error| StoreError::Failed(format!("an audit entry: {error}")))?;
        let mut document = doc! { "_id": value::of_audit(entry.id), "entry": content };
        if let Some(room) = entry.room {
            document.insert("room", value::of_room(room));
        }
        self.within(async {
            match self.audit.insert_one(document).await {
                Ok(_) => Ok(()),
                Err(error) if is_duplicate(&error) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    async fn audit(
        &self,
        room: Option<RoomId>,
        before: Option<AuditId>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let Some(limit) = value::limit(limit) else { return Ok(Vec::new()) };
        let mut filter = Document::new();
        if let Some(room) = room {
            filter.insert("room", value::of_room(room));
        }
        if let Some(before) = before {
            filter.insert("_id", doc! { "$lt": value::of_audit(before) });
        }
        self.within(async {
            let found = self.audit.find(filter).sort(doc! { "_id": -1 }).limit(limit).await?;
            found.err_into().and_then(async |document| entry(&document)).try_collect().await
        })
        .await
    }
}
