//! What the links of messages lead to: a title, a few words and a small picture.
//!
//! - [`address`]: which addresses may be reached
//! - `destination`: where a link leads, before anything is sent there
//! - `fetch`: one request to a place that may be anything
//! - `page`, `text`: what a page says of itself
//! - `look`: all of it, for one link
//!
//! Whoever writes a message chooses what is fetched, so nothing is connected to but what was looked
//! at before ([`address::is_public`]), everything is bounded in bytes and in time, and pictures are
//! written anew like those that are uploaded. Previews are remembered for a while and kept nowhere:
//! any node can make them again.

pub mod address;
mod destination;
mod fetch;
mod look;
mod page;
mod text;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::{Position, Url};

use self::address::Networks;
pub use self::destination::first_link;
use self::look::Looker;
use crate::media::{Encoded, Media};
use crate::metric::PreviewFetch;

/// What is remembered in all, in bytes, and how long: a preview, that there is nothing to show, and that
/// something went wrong.
const REMEMBERED: u64 = 64 << 20;
const FOUND_FOR: Duration = Duration::from_secs(6 * 3600);
const NOTHING_FOR: Duration = Duration::from_secs(3600);
const FAILED_FOR: Duration = Duration::from_secs(5 * 60);

/// How links are looked at.
#[derive(Debug, Clone)]
pub struct PreviewOptions {
    /// What may be reached besides the public internet.
    pub networks: Networks,
    /// How long a page may take, with everything on the way to it: 6 seconds.
    pub page_within: Duration,
    /// How long it may take with its picture: 10 seconds. Below the time for a request.
    pub all_within: Duration,
    /// Links looked at by a node at a time: 16.
    pub turns: usize,
    /// How long others wait for their turn: 3 seconds.
    pub turn_within: Duration,
}

impl PreviewOptions {
    /// The defaults, and these networks.
    #[must_use]
    pub const fn new(networks: Networks) -> Self {
        Self {
            networks,
            page_within: Duration::from_secs(6),
            all_within: Duration::from_secs(10),
            turns: 16,
            turn_within: Duration::from_secs(3),
        }
    }
}

/// What a link leads to. All of it may be absent.
#[derive(Debug, Default)]
pub struct Preview {
    /// The title of the page, one line of up to 200 characters.
    pub title: Option<String>,
    /// What the page is about, one line of up to 400 characters.
    pub description: Option<String>,
    /// What the site calls itself, one line of up to 80 characters.
    pub site_name: Option<String>,
    /// The page's picture, or the one the link leads to.
    pub picture: Option<Picture>,
    good_for: Duration,
}

/// A picture of a preview, written anew, with sides of 640 pixels at the most.
#[derive(Debug)]
pub struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The file.
    pub file: Encoded,
    /// What names these bytes, in hexadecimal digits.
    pub version: String,
}

/// Why a link can't be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It leads where we do not go.
    Refused,
    /// Nobody answers there.
    Unreachable,
    /// It takes too long.
    Slow,
    /// It is answered with an error, or by sending us on for ever.
    Failed,
}

impl From<Fault> for PreviewFetch {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused => Self::Refused,
            Fault::Unreachable => Self::Unreachable,
            Fault::Slow => Self::Slow,
            Fault::Failed => Self::Failed,
        }
    }
}

/// More links are asked for than a node looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many links at the same time")]
pub struct Overloaded;

/// The previews that a node makes.
#[derive(Clone)]
pub struct Previews(Arc<Shared>);

struct Shared {
    looker: Looker,
    turns: Semaphore,
    turn_within: Duration,
    /// By link, without what stands behind its `#`.
    remembered: Cache<String, Arc<Preview>>,
}

impl fmt::Debug for Previews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Previews").finish_non_exhaustive()
    }
}

impl Previews {
    /// Shares the turns of `media` with whatever else works on pictures.
    #[must_use]
    pub fn new(options: PreviewOptions, media: Media) -> Self {
        let remembered = Cache::builder()
            .max_capacity(REMEMBERED)
            .weigher(|link: &String, preview: &Arc<Preview>| preview.weight(link))
            .expire_after(AsLongAsGood)
            .build();
        let (turns, turn_within) = (Semaphore::new(options.turns), options.turn_within);
        let looker = Looker::new(options, media);
        Self(Arc::new(Shared { looker, turns, turn_within, remembered }))
    }

    /// What a link leads to. Those who ask at the same time share one look, which goes on when they
    /// have gone.
    ///
    /// # Errors
    /// [`Overloaded`] if no other look ends in time.
    pub async fn of(&self, link: &Url) -> Result<Arc<Preview>, Overloaded> {
        let key = link[..Position::AfterQuery].to_owned();
        if let Some(preview) = self.0.remembered.get(&key).await {
            return Ok(preview);
        }
        let (shared, link) = (Arc::clone(&self.0), link.clone());
        let look = tokio::spawn(async move {
            let preview = shared.remembered.try_get_with(key, shared.look(link)).await;
            preview.map_err(|overloaded| *overloaded)
        });
        look.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a look at a link was lost");
            Ok(Arc::default())
        })
    }
}

impl Shared {
    async fn look(&self, link: Url) -> Result<Arc<Preview>, Overloaded> {
        let Ok(Ok(_turn)) = timeout(self.turn_within, self.turns.acquire()).await else {
            PreviewFetch::Overloaded.count();
            return Err(Overloaded);
        };
        let (mut preview, outcome) = match self.looker.look(link).await {
            Ok(preview) => (preview, PreviewFetch::Found),
            Err(fault) => (Preview::default(), fault.into()),
        };
        let is_empty = preview.title.is_none() && preview.picture.is_none();
        let (good_for, outcome) = match outcome {
            PreviewFetch::Found if is_empty => (NOTHING_FOR, PreviewFetch::Nothing),
            PreviewFetch::Found => (FOUND_FOR, outcome),
            _ => (FAILED_FOR, outcome),
        };
        outcome.count();
        preview.good_for = good_for;
        Ok(Arc::new(preview))
    }
}

impl Preview {
    /// About how many bytes remembering it takes.
    fn weight(&self, link: &str) -> u32 {
        let texts = [&self.title, &self.description, &self.site_name];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        let picture = self.picture.as_ref().map_or(0, |picture| picture.file.bytes.len());
        u32::try_from(OVERHEAD + link.len() + texts + picture).unwrap_or(u32::MAX)
    }
}

/// What an entry takes beside its texts and its picture, in bytes.
const OVERHEAD: usize = 512;

/// A preview is forgotten when it is not good any more.
struct AsLongAsGood;

impl Expiry<String, Arc<Preview>> for AsLongAsGood {
    fn expire_after_create(
        &self,
        _: &String,
        preview: &Arc<Preview>,
        _: Instant,
    ) -> Option<Duration> {
        Some(preview.good_for)
    }
}
