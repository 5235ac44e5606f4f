//! Full-text search.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Message;

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SearchHit {
    /// The message as it is now.
    pub message: Message,
    /// Where the words are in its text, ascending and apart: pairs of start and end, counted in
    /// UTF-16 code units, as JavaScript counts.
    pub highlights: Vec<[u32; 2]>,
}

/// `GET /search`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SearchResults {
    /// The newest first.
    pub hits: Vec<SearchHit>,
    /// Where the next page starts (`?cursor=`), if there may be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
