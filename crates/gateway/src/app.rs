//! What every request and every socket can reach.

use std::sync::Arc;

use hubbub_bus::Bus;
use hubbub_protocol::Limits;
use hubbub_store::{BlobStore, Store};

use crate::auth::Auth;
use crate::committer::Committer;
use crate::files::FileOptions;
use crate::http::HttpOptions;
use crate::media::Media;
use crate::permissions::Permissions;
use crate::previews::Previews;

/// One gateway's services. Shared by every request and socket, never global.
#[derive(Debug)]
pub struct App {
    /// Order, fan-out, presence, rate limits.
    pub bus: Arc<dyn Bus>,
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// The bytes of files and pictures.
    pub blobs: Arc<dyn BlobStore>,
    /// How files are taken.
    pub files: FileOptions,
    /// The work on pictures.
    pub media: Media,
    /// What links lead to, unless that is off.
    pub previews: Option<Previews>,
    /// Who may come in.
    pub auth: Auth,
    /// The way of every event to its place.
    pub committer: Arc<Committer>,
    /// What somebody may do in a room.
    pub permissions: Arc<Permissions>,
    /// The bounds clients are told.
    pub limits: Limits,
    /// What the HTTP side needs to know.
    pub http: HttpOptions,
}
