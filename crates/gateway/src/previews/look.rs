//! A look at one link: its page, and the picture the page names.

use bytes::Bytes;
use ring::digest::{SHA256, digest};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::fetch::{Answer, Fetcher};
use super::page::Page;
use super::{Fault, Picture, Preview, PreviewOptions};
use crate::media::{Media, kind};

/// How much of a page is read, and how large a picture may be, in bytes.
const PAGE_MAX: usize = 512 << 10;
const PICTURE_MAX: usize = 5 << 20;

/// Longest side of a picture, in pixels, and the shortest of one that shows something.
const SIDE_MAX: u32 = 640;
const SIDE_MIN: u32 = 32;

const PAGE: &str = "text/html, application/xhtml+xml, image/*;q=0.5";
const PICTURE: &str = "image/webp, image/png, image/jpeg, image/gif";

/// Looks at links.
pub(super) struct Looker {
    fetcher: Fetcher,
    media: Media,
    options: PreviewOptions,
}

/// What a link itself leads to.
enum Target {
    Page(Page),
    Picture(Bytes),
    Other,
}

impl Looker {
    pub(super) fn new(options: PreviewOptions, media: Media) -> Self {
        Self { fetcher: Fetcher::new(options.networks.clone()), media, options }
    }

    /// What a link leads to. A picture that can't be had is left out.
    ///
    /// # Errors
    /// [`Fault`].
    pub(super) async fn look(&self, link: Url) -> Result<Preview, Fault> {
        let began = Instant::now();
        let until = began + self.options.all_within;
        let target = timeout_at(began + self.options.page_within, self.target(link));
        let page = match target.await.map_err(|_| Fault::Slow)?? {
            Target::Page(page) => page,
            Target::Picture(bytes) => {
                let picture = timeout_at(until, self.small(bytes)).await.ok().flatten();
                return Ok(Preview { picture, ..Preview::default() });
            }
            Target::Other => return Ok(Preview::default()),
        };
        let picture = match page.image {
            Some(image) => timeout_at(until, self.picture(image)).await.ok().flatten(),
            None => None,
        };
        let Page { title, description, site_name, .. } = page;
        Ok(Preview { title, description, site_name, picture, ..Preview::default() })
    }

    async fn target(&self, link: Url) -> Result<Target, Fault> {
        let answer = self.fetcher.get(link, PAGE).await?;
        match &*answer.media_type {
            "text/html" | "application/xhtml+xml" => {
                let (url, charset) = (answer.url.clone(), answer.charset.clone());
                let bytes = answer.head(PAGE_MAX).await?;
                let read = move || Page::read(&bytes, charset.as_deref(), &url);
                // Some milliseconds of work, of which others need not wait for the end.
                let page = tokio::task::spawn_blocking(read).await;
                page.map(Target::Page).map_err(|_| Fault::Failed)
            }
            media_type if kind::is_picture(media_type) => file(answer).await.map(Target::Picture),
            _ => Ok(Target::Other),
        }
    }

    async fn picture(&self, url: Url) -> Option<Picture> {
        let answer = self.fetcher.get(url, PICTURE).await.ok()?;
        if !kind::is_picture(&answer.media_type) {
            return None;
        }
        self.small(file(answer).await.ok()?).await
    }

    async fn small(&self, bytes: Bytes) -> Option<Picture> {
        let small = self.media.turn().await.ok()?.small(bytes, SIDE_MAX).await.ok()?;
        if small.width < SIDE_MIN || small.height < SIDE_MIN {
            return None;
        }
        let digest = digest(&SHA256, &small.file.bytes);
        let version = digest.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Picture { width: small.width, height: small.height, file: small.file, version })
    }
}

async fn file(answer: Answer) -> Result<Bytes, Fault> {
    answer.whole(PICTURE_MAX).await.map(Bytes::from)
}
