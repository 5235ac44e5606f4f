//! Carrying out what operators ask of this node: over the bus, and on the listener for operators.
//!
//! - [`access`]: who may ask on the listener

use std::sync::Arc;

use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use hubbub_bus::NodeCommand;
use serde::Deserialize;
use serde_json::json;

use crate::drain::{self, DrainOptions};
use crate::rebalance::{self, RebalanceOptions};
use crate::socket::Sockets;

pub mod access;

pub use access::OperatorToken;

/// How a node does what it is asked.
#[derive(Debug, Clone, Copy)]
pub struct OperatorOptions {
    /// How it leaves.
    pub drain: DrainOptions,
    /// How it gives connections away.
    pub rebalance: RebalanceOptions,
}

/// Carries out commands from the bus until the node stops.
pub async fn run(sockets: Arc<Sockets>, options: OperatorOptions) {
    let Some(mut commands) = sockets.hub.commands() else { return };
    while let Some(command) = commands.recv().await {
        tracing::info!(?command, "an operator asks");
        match command {
            NodeCommand::Drain => begin_drain(&sockets, options),
            NodeCommand::Rebalance => begin_rebalance(&sockets, options),
            // The hub has answered it.
            NodeCommand::Trace { .. } => {}
        }
    }
}

/// Neither is waited for: a drain must be possible while connections are being given away.
fn begin_drain(sockets: &Arc<Sockets>, options: OperatorOptions) {
    let leaving = Arc::clone(sockets);
    sockets.until_stop(async move { drain::empty(&leaving, options.drain).await });
}

fn begin_rebalance(sockets: &Arc<Sockets>, options: OperatorOptions) {
    let crowded = Arc::clone(sockets);
    sockets.until_stop(async move { rebalance::rebalance(&crowded, options.rebalance).await });
}

/// What `POST /rebalance` may say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rebalance {
    /// Connections told to move each second, instead of the setting's.
    per_second: Option<u32>,
}

/// What `POST /drain` says: nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Drain {}

/// `POST /drain` and `POST /rebalance`, for the listener for operators. Both begin something, answer
/// 202, and take JSON only, which no page of another site can send without being asked for its origin.
/// Who may ask, [`access`] says.
pub fn routes(
    sockets: &Arc<Sockets>,
    options: OperatorOptions,
    token: Option<OperatorToken>,
) -> Router {
    let (draining, rebalancing) = (Arc::clone(sockets), Arc::clone(sockets));
    let drain = post(async move |headers: HeaderMap, Json(Drain {}): Json<Drain>| {
        if headers.contains_key(ORIGIN) {
            return StatusCode::FORBIDDEN.into_response();
        }
        begin_drain(&draining, options);
        let connections = draining.hub.connection_count();
        (StatusCode::ACCEPTED, Json(json!({ "connections": connections }))).into_response()
    });
    let rebalance = post(async move |headers: HeaderMap, Json(asked): Json<Rebalance>| {
        if headers.contains_key(ORIGIN) {
            return StatusCode::FORBIDDEN.into_response();
        }
        answer_rebalance(&rebalancing, options, &asked).await
    });
    Router::new()
        .route("/drain", drain)
        .route("/rebalance", rebalance)
        .route_layer(from_fn_with_state(token, access::require))
}

async fn answer_rebalance(
    sockets: &Arc<Sockets>,
    mut options: OperatorOptions,
    asked: &Rebalance,
) -> Response {
    if let Some(per_second) = asked.per_second {
        options.rebalance.per_second = per_second.max(1);
    }
    match rebalance::share(sockets).await {
        Ok(share) => {
            begin_rebalance(sockets, options);
            let answer = json!({ "share": share, "surplus": share.surplus() });
            (StatusCode::ACCEPTED, Json(answer)).into_response()
        }
        Err(error) => {
            tracing::warn!(%error, "can't tell how many connections others have");
            (StatusCode::SERVICE_UNAVAILABLE, "the bus is away\n").into_response()
        }
    }
}
