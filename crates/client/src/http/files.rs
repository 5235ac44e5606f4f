//! Files, on their way up and down: in one request, or (tus 1.0) in parts, over any node.

use std::time::Duration;

use hubbub_protocol::http::UploadedFile;
use hubbub_protocol::{AttachmentId, RoomId};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Method, RequestBuilder, Response};

use super::{Api, ApiError, GOOD_FOR, read, send, unreachable};

/// How long the transfer of a file may take.
const TRANSFER_WITHIN: Duration = Duration::from_secs(600);
/// The version of tus that is spoken.
const TUS: (&str, &str) = ("tus-resumable", "1.0.0");
const OFFSET: &str = "upload-offset";
const PART: &str = "application/offset+octet-stream";

/// A file that is uploaded in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Below the server's address.
    path: String,
}

/// A file that comes in pieces, so that it need not be held whole.
#[derive(Debug)]
pub struct Download(Response);

impl Download {
    /// The next piece; none after the last.
    ///
    /// # Errors
    /// [`ApiError::Unreachable`] when the connection breaks.
    pub async fn next(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, ApiError> {
        self.0.chunk().await.map_err(unreachable)
    }
}

impl Api {
    /// Uploads a file to a room, to be named in a message.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn upload(
        &self,
        room: RoomId,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<UploadedFile, ApiError> {
        let token = self.access_token(GOOD_FOR).await?;
        let mut url = self.url(&format!("rooms/{room}/attachments"));
        url.query_pairs_mut().append_pair("name", name);
        read(
            send(self.0.http.post(url).timeout(TRANSFER_WITHIN).bearer_auth(token).body(bytes))
                .await?,
        )
        .await
    }

    /// Begins to upload a file of `length` bytes in parts.
    ///
    /// # Errors
    /// [`ApiError`]; `payload_too_large` where the server takes no file of this length.
    pub async fn begin_upload(&self, room: RoomId, length: u64) -> Result<Upload, ApiError> {
        let path = format!("api/v1/rooms/{room}/attachments");
        let request = self.tus(Method::POST, &path).await?.header("upload-length", length);
        let answer = send(request).await?;
        let status = answer.status().as_u16();
        let location = answer.headers().get(LOCATION).and_then(|path| path.to_str().ok());
        let path = location.ok_or(ApiError::NotUnderstood(status))?;
        Ok(Upload { path: path.trim_start_matches('/').to_owned() })
    }

    /// How much of an upload the server has: where to go on after a cut.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn uploaded(&self, upload: &Upload) -> Result<u64, ApiError> {
        offset(&send(self.tus(Method::HEAD, &upload.path).await?).await?)
    }

    /// Sends a part of an upload that starts at `from`, and tells how much the server has then.
    ///
    /// # Errors
    /// [`ApiError`]; `offset_mismatch` when the server has come elsewhere.
    pub async fn upload_part(
        &self,
        upload: &Upload,
        from: u64,
        part: impl Into<reqwest::Body>,
    ) -> Result<u64, ApiError> {
        let request = self.tus(Method::PATCH, &upload.path).await?;
        let request = request.header(OFFSET, from).header(CONTENT_TYPE, PART).body(part);
        offset(&send(request).await?)
    }

    /// The file that an upload in parts has become.
    ///
    /// # Errors
    /// [`ApiError`]; `upload_incomplete` before its last byte.
    pub async fn finish_upload(&self, upload: &Upload) -> Result<UploadedFile, ApiError> {
        read(send(self.tus(Method::GET, &upload.path).await?).await?).await
    }

    /// Begins to download a file.
    ///
    /// # Errors
    /// [`ApiError`]; `attachment_not_found` where it is not one's to see.
    pub async fn download(&self, file: AttachmentId) -> Result<Download, ApiError> {
        let token = self.access_token(GOOD_FOR).await?;
        let url = self.url(&format!("attachments/{file}"));
        let request = self.0.http.get(url).timeout(TRANSFER_WITHIN).bearer_auth(token);
        Ok(Download(send(request).await?))
    }

    async fn tus(&self, method: Method, path: &str) -> Result<RequestBuilder, ApiError> {
        let token = self.access_token(GOOD_FOR).await?;
        let request = self.0.http.request(method, self.0.address.join(path));
        Ok(request.bearer_auth(token).header(TUS.0, TUS.1))
    }
}

fn offset(answer: &Response) -> Result<u64, ApiError> {
    let offset = answer.headers().get(OFFSET).and_then(|offset| offset.to_str().ok()?.parse().ok());
    offset.ok_or(ApiError::NotUnderstood(answer.status().as_u16()))
}
