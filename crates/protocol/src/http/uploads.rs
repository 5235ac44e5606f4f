//! Files.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Attachment;

/// The answer to an upload that is complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UploadedFile {
    /// The file, to be named in a message's `attachments`.
    #[serde(flatten)]
    pub attachment: Attachment,
}
