//! Extractors whose refusals are problem documents.

use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use hubbub_protocol::client::parse_body;
use hubbub_protocol::{
    AttachmentId, ErrorCode, IdError, MessageId, RoomId, SessionId, UploadId, UserId,
};
use serde::de::DeserializeOwned;

use super::openapi::{About, Schemas, Takes};
use super::problem::ApiError;

/// A JSON body.
///
/// Refused: 415 for another content type, 413 above the body limit, 400 for what is not JSON, not
/// of the right shape, or holds a malformed id.
#[derive(Debug)]
pub(super) struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ErrorCode::UnsupportedMediaType.into());
        }
        Ok(Self(parse_body(&body(request, state).await?)?))
    }
}

/// A JSON body that may be left out, with or without its content type.
#[derive(Debug)]
pub(super) struct OptionalJson<T>(pub Option<T>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for OptionalJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let json = is_json(request.headers());
        let bytes = body(request, state).await?;
        match (bytes.is_empty(), json) {
            (true, _) => Ok(Self(None)),
            (false, true) => Ok(Self(Some(parse_body(&bytes)?))),
            (false, false) => Err(ErrorCode::UnsupportedMediaType.into()),
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            ErrorCode::PayloadTooLarge.into()
        }
        _ => ApiError::new(ErrorCode::BadJson).detail("The body could not be read"),
    })
}

/// The file of a picture, as the whole body, which is not read before it is asked for. Its content type
/// is not looked at: the bytes tell.
#[derive(Debug)]
pub(super) struct PictureFile(Request);

impl PictureFile {
    /// Reads it into memory.
    ///
    /// # Errors
    /// [`ErrorCode::PayloadTooLarge`] above the route's bound, [`ErrorCode::BadJson`] when it is cut off.
    pub(super) async fn read(self) -> Result<Bytes, ApiError> {
        body(self.0, &()).await
    }
}

impl<S: Send + Sync> FromRequest<S> for PictureFile {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        Ok(Self(request))
    }
}

impl Takes for PictureFile {
    fn takes(about: &mut About, _: &mut Schemas) {
        for media_type in ["image/png", "image/jpeg", "image/webp", "image/gif"] {
            *about = std::mem::take(about).takes_bytes(media_type);
        }
        about.fails(ErrorCode::PayloadTooLarge);
        about.fails(ErrorCode::Overloaded);
    }
}

/// The query string. Fields that are not asked for are ignored.
#[derive(Debug)]
pub(super) struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        read_query(&parts.uri).map(Self)
    }
}

fn read_query<T: DeserializeOwned>(uri: &Uri) -> Result<T, ApiError> {
    axum::extract::Query::try_from_uri(uri).map(|axum::extract::Query(query)| query).map_err(|_| {
        ApiError::new(ErrorCode::BadFrame).detail("The query string does not have the right shape")
    })
}

macro_rules! path_ids {
    ($($(#[$doc:meta])* $name:ident($id:ty) = $parameter:literal, $description:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub(super) struct $name(pub $id);

            impl<S: Send + Sync> FromRequestParts<S> for $name {
                type Rejection = ApiError;

                async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
                    path_id(parts, state, $parameter).await.map(Self)
                }
            }

            impl Takes for $name {
                fn takes(about: &mut About, schemas: &mut Schemas) {
                    about.path::<$id>($parameter, $description, schemas);
                }
            }
        )*
    };
}

path_ids! {
    /// The `{room}` of the path.
    RoomPath(RoomId) = "room", "The room";
    /// The `{user}` of the path.
    UserPath(UserId) = "user", "The person";
    /// The `{session}` of the path.
    SessionPath(SessionId) = "session", "The session";
    /// The `{message}` of the path.
    MessagePath(MessageId) = "message", "The message";
    /// The `{attachment}` of the path.
    AttachmentPath(AttachmentId) = "attachment", "The file";
    /// The `{upload}` of the path.
    UploadPath(UploadId) = "upload", "The upload";
}

async fn path_id<T, S>(parts: &mut Parts, state: &S, parameter: &str) -> Result<T, ApiError>
where
    T: FromStr<Err = IdError>,
    S: Send + Sync,
{
    let params = RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| ApiError::new(ErrorCode::BadId).detail("The path is not UTF-8"))?;
    let text = params.iter().find(|(name, _)| *name == parameter).map_or("", |(_, value)| value);
    id(text)
}

/// Reads an id out of a path or a query string.
///
/// # Errors
/// [`ErrorCode::BadId`].
pub(super) fn id<T: FromStr<Err = IdError>>(text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|error: IdError| ApiError::new(ErrorCode::BadId).detail(error.to_string()))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Greeting {
        to: String,
    }

    fn request(kind: Option<&str>, body: &'static str) -> Request {
        let mut request = Request::new(Body::from(body));
        if let Some(kind) = kind {
            request.headers_mut().insert(CONTENT_TYPE, kind.parse().unwrap());
        }
        request
    }

    async fn json(kind: &str, body: &'static str) -> Result<String, ErrorCode> {
        let read = Json::<Greeting>::from_request(request(Some(kind), body), &()).await;
        read.map(|Json(greeting)| greeting.to).map_err(|error| error.code())
    }

    #[tokio::test]
    async fn json_is_read_with_and_without_charset() {
        assert_eq!(json("application/json", r#"{"to":"all"}"#).await, Ok("all".into()));
        let with = "Application/JSON; charset=utf-8";
        assert_eq!(json(with, r#"{"to":"all"}"#).await, Ok("all".into()));
    }

    #[tokio::test]
    async fn each_kind_of_bad_body_has_its_code() {
        let kind = "application/json";
        assert_eq!(json(kind, "{").await, Err(ErrorCode::BadJson));
        assert_eq!(json(kind, "").await, Err(ErrorCode::BadJson));
        assert_eq!(json(kind, r#"{"to":1}"#).await, Err(ErrorCode::BadFrame));
        assert_eq!(json(kind, "{}").await, Err(ErrorCode::BadFrame));
        assert_eq!(
            json("text/plain", r#"{"to":"all"}"#).await,
            Err(ErrorCode::UnsupportedMediaType)
        );
        assert_eq!(
            json("application/jsonp", r#"{"to":"all"}"#).await,
            Err(ErrorCode::UnsupportedMediaType)
        );
    }

    #[tokio::test]
    async fn an_optional_body_may_be_left_out_but_not_be_something_else() {
        let read = |kind: Option<&'static str>, body: &'static str| async move {
            OptionalJson::<Greeting>::from_request(request(kind, body), &())
                .await
                .map(|OptionalJson(greeting)| greeting.map(|greeting| greeting.to))
                .map_err(|error| error.code())
        };
        assert_eq!(read(None, "").await, Ok(None));
        assert_eq!(read(Some("application/json"), "").await, Ok(None));
        assert_eq!(read(Some("application/json"), r#"{"to":"a"}"#).await, Ok(Some("a".into())));
        assert_eq!(read(None, "to=a").await, Err(ErrorCode::UnsupportedMediaType));
        assert_eq!(read(Some("application/json"), "{").await, Err(ErrorCode::BadJson));
    }
}
