//! The HTTP API over a real bus and a real store, without a socket in between.

mod accounts;
mod api;
mod cookies;
mod history;
mod joining;
mod requests;
mod rooms;
mod sessions;
mod users;
