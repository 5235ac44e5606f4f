//! The bounds that clients must keep to.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use hubbub_protocol::Limits;

use super::endpoints::Endpoints;
use super::openapi::about;
use crate::app::App;

pub(super) fn endpoints() -> Endpoints {
    Endpoints::of("Bounds").get(
        "/limits",
        limits,
        about("The bounds that clients must keep to").answers::<Limits>(),
    )
}

/// `GET /limits`, for anybody.
async fn limits(State(app): State<Arc<App>>) -> Response {
    ([(CACHE_CONTROL, "public, max-age=60")], Answer(app.limits)).into_response()
}
