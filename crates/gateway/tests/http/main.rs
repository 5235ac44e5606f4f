//! The HTTP API over a real bus and a real store, without a socket in between.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod admin;
mod api;
mod avatars;
mod blocks;
mod conversation;
mod cookies;
mod documents;
mod files;
mod history;
mod icons;
mod inbox;
mod joining;
mod lobby;
mod logins;
mod logs;
mod me;
mod messages;
mod moderation;
mod outage;
mod previews;
mod receipts;
mod requests;
mod rooms;
mod search;
mod sessions;
mod site;
mod uploads;
mod users;
mod web_client;
