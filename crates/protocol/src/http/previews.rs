//! What the links of messages lead to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET /rooms/{room}/messages/{message}/preview`: what the first link of a message leads to. Its
/// texts are another site's own words, in one line each; they are no Markdown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LinkPreview {
    /// The link, as browsers write it.
    pub url: String,
    /// The host it names, in ASCII. A page that it is sent on from there may have another.
    pub host: String,
    /// The title, up to 200 characters. Absent where nothing was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is about, up to 400 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What the site calls itself, up to 80 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_name: Option<String>,
    /// A picture of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<PreviewImage>,
}

/// A picture of what a link leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreviewImage {
    /// Where it is, on this server.
    pub path: String,
    /// Pixels across, up to 640.
    pub width: u32,
    /// Pixels down, up to 640.
    pub height: u32,
}
