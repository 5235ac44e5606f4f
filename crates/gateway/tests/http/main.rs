//! The HTTP API over a real bus and a real store, without a socket in between.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod admin;
mod api;
mod avatars;
mod blocks;
mod cookies;
mod documents;
mod files;
mod history;
mod joining;
mod lobby;
mod logins;
mod logs;
mod me;
mod moderation;
mod outage;
mod requests;
mod rooms;
mod search;
mod sessions;
mod uploads;
mod users;
mod web_client;
