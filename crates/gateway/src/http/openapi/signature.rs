//! What a handler's signature says: its extractors are what the endpoint takes, its result is what
//! it answers with.

use std::future::Future;
use std::sync::Arc;

use axum::Json as Answer;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum_extra::extract::CookieJar;
use hubbub_protocol::ErrorCode;
use schemars::JsonSchema;
use serde_json::json;

use super::about::About;
use crate::app::App;
use crate::documents::schemas::{Schemas, without_null};
use crate::http::address::ClientAddress;
use crate::http::caller::{Admin, Caller};
use crate::http::extract::{Json, OptionalJson, Query};
use crate::http::problem::ApiResult;

/// An extractor that knows what it takes from a request, and how that can fail.
pub(in crate::http) trait Takes {
    fn takes(about: &mut About, schemas: &mut Schemas);
}

/// What a handler can answer with.
pub(in crate::http) trait Answers {
    fn answers(about: &mut About, schemas: &mut Schemas);
}

/// A handler whose signature describes it. `T` is the one of [`axum::handler::Handler`].
pub(in crate::http) trait Described<T> {
    fn describe(about: &mut About, schemas: &mut Schemas);
}

impl<F, Fut, R> Described<((),)> for F
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = R>,
    R: Answers,
{
    fn describe(about: &mut About, schemas: &mut Schemas) {
        R::answers(about, schemas);
    }
}

macro_rules! described {
    ($($taken:ident)+) => {
        impl<F, Fut, R, M, $($taken),+> Described<(M, $($taken,)+)> for F
        where
            F: FnOnce($($taken),+) -> Fut,
            Fut: Future<Output = R>,
            R: Answers,
            $($taken: Takes,)+
        {
            fn describe(about: &mut About, schemas: &mut Schemas) {
                $($taken::takes(about, schemas);)+
                R::answers(about, schemas);
            }
        }
    };
}

described!(A);
described!(A B);
described!(A B C);
described!(A B C D);
described!(A B C D E);
described!(A B C D E G);
described!(A B C D E G H);
described!(A B C D E G H I);

/// Extractors that are nothing to the client, or that [`About`] describes.
macro_rules! takes_nothing {
    ($($taken:ty),+) => {
        $(impl Takes for $taken {
            fn takes(_: &mut About, _: &mut Schemas) {}
        })+
    };
}

takes_nothing!(State<Arc<App>>, HeaderMap, ClientAddress, CookieJar, Request, Body);

impl Takes for Caller {
    fn takes(about: &mut About, _: &mut Schemas) {
        about.for_callers = true;
        about.errors.extend([
            ErrorCode::TokenRequired,
            ErrorCode::TokenInvalid,
            ErrorCode::TokenExpired,
            ErrorCode::SessionEnded,
            ErrorCode::RateLimited,
        ]);
    }
}

impl Takes for Admin {
    fn takes(about: &mut About, schemas: &mut Schemas) {
        Caller::takes(about, schemas);
        about.errors.push(ErrorCode::NotFound);
    }
}

/// How a body of JSON can fail.
const BODY_ERRORS: [ErrorCode; 6] = [
    ErrorCode::BadJson,
    ErrorCode::BadFrame,
    ErrorCode::BadId,
    ErrorCode::InvalidUtf8,
    ErrorCode::PayloadTooLarge,
    ErrorCode::UnsupportedMediaType,
];

impl<T: JsonSchema> Takes for Json<T> {
    fn takes(about: &mut About, schemas: &mut Schemas) {
        let schema = schemas.read::<T>();
        about.request.insert("application/json".to_owned(), json!({ "schema": schema }));
        about.request_required = true;
        about.errors.extend(BODY_ERRORS);
    }
}

impl<T: JsonSchema> Takes for OptionalJson<T> {
    fn takes(about: &mut About, schemas: &mut Schemas) {
        Json::<T>::takes(about, schemas);
        about.request_required = false;
    }
}

impl<T: JsonSchema> Takes for Query<T> {
    fn takes(about: &mut About, schemas: &mut Schemas) {
        let schema = schemas.read_inline::<T>();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            // A query string leaves out what is not there; it has no null.
            let mut schema = without_null(schema);
            let fields = schema.as_object_mut();
            let description = fields.and_then(|fields| {
                fields.remove("default");
                fields.remove("description")
            });
            about.parameters.push(json!({
                "name": name,
                "in": "query",
                "required": required.iter().any(|required| required == name),
                "description": description.unwrap_or_default(),
                "schema": schema,
            }));
        }
        about.errors.push(ErrorCode::BadFrame);
    }
}

impl About {
    /// Takes an id from the path.
    pub(in crate::http) fn path<T: JsonSchema>(
        &mut self,
        name: &str,
        description: &str,
        schemas: &mut Schemas,
    ) {
        let schema = schemas.read::<T>();
        self.parameters.push(json!({
            "name": name,
            "in": "path",
            "required": true,
            "description": description,
            "schema": schema,
        }));
        self.errors.push(ErrorCode::BadId);
    }
}

impl<T: JsonSchema> Answers for Answer<T> {
    fn answers(about: &mut About, schemas: &mut Schemas) {
        let schema = schemas.written::<T>();
        about.answer.insert("application/json".to_owned(), json!({ "schema": schema }));
        about.statuses.get_or_insert(&[200]);
    }
}

impl Answers for StatusCode {
    fn answers(about: &mut About, _: &mut Schemas) {
        about.statuses.get_or_insert(&[204]);
    }
}

/// It can be anything, so [`About`] says what it is; nothing if that is silent.
impl Answers for Response {
    fn answers(about: &mut About, schemas: &mut Schemas) {
        if let Some(schema) = about.answer_type {
            let schema = schema(schemas);
            about.answer.insert("application/json".to_owned(), json!({ "schema": schema }));
        }
        about.statuses.get_or_insert(if about.answer.is_empty() { &[204] } else { &[200] });
    }
}

impl<T: Answers> Answers for ApiResult<T> {
    fn answers(about: &mut About, schemas: &mut Schemas) {
        T::answers(about, schemas);
    }
}

impl<T: Answers> Answers for (CookieJar, T) {
    fn answers(about: &mut About, schemas: &mut Schemas) {
        T::answers(about, schemas);
    }
}

impl<T: Answers> Answers for (StatusCode, T) {
    fn answers(about: &mut About, schemas: &mut Schemas) {
        about.statuses.get_or_insert(&[201]);
        T::answers(about, schemas);
    }
}

impl<T: Answers> Answers for (StatusCode, CookieJar, T) {
    fn answers(about: &mut About, schemas: &mut Schemas) {
        <(StatusCode, T)>::answers(about, schemas);
    }
}
