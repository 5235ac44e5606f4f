//! What was said: history, search, who has seen it, what came while one was away.

use hubbub_protocol::http::{History, Inbox, SearchResults, SeenBy};
use hubbub_protocol::{Message, MessageId, RoomId, Seq};

use super::{Api, ApiError};

/// Which messages of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The newest.
    Latest,
    /// Those before a seq.
    Before(Seq),
    /// Those after a seq.
    After(Seq),
    /// Those around a seq.
    Around(Seq),
}

impl Api {
    /// One message of a room as it is now.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn message(&self, room: RoomId, message: MessageId) -> Result<Message, ApiError> {
        self.get(&format!("rooms/{room}/messages/{message}"), &[]).await
    }

    /// Up to `limit` of a room's messages, oldest first.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn messages(
        &self,
        room: RoomId,
        page: Page,
        limit: u32,
    ) -> Result<History, ApiError> {
        let mut parameters = vec![("limit", limit.to_string())];
        match page {
            Page::Latest => {}
            Page::Before(seq) => parameters.push(("before", seq.to_string())),
            Page::After(seq) => parameters.push(("after", seq.to_string())),
            Page::Around(seq) => parameters.push(("around", seq.to_string())),
        }
        self.get(&format!("rooms/{room}/messages"), &parameters).await
    }

    /// Messages of one's rooms that fulfil a query, the newest first, from the start or after a
    /// page's `next`. A page that ran out of time may be empty and have a `next` all the same.
    ///
    /// # Errors
    /// [`ApiError`]; `invalid_field` tells what is wrong with the query.
    pub async fn search(
        &self,
        query: &str,
        cursor: Option<&str>,
    ) -> Result<SearchResults, ApiError> {
        let mut parameters = vec![("q", query.to_owned())];
        parameters.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        self.get("search", &parameters).await
    }

    /// Who has seen a message, in a room small enough for that to be told.
    ///
    /// # Errors
    /// [`ApiError`]; `forbidden` in a large room.
    pub async fn seen_by(&self, room: RoomId, message: MessageId) -> Result<SeenBy, ApiError> {
        self.get(&format!("rooms/{room}/messages/{message}/seen"), &[]).await
    }

    /// What came while one was away, the newest first.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn inbox(&self) -> Result<Inbox, ApiError> {
        self.get("me/inbox", &[]).await
    }
}
