//! What describes this service to programs and their authors, made of the code itself.
//!
//! - [`crate::http::openapi`]: the HTTP API (OpenAPI 3.1)
//! - [`asyncapi`]: the socket (AsyncAPI 3)
//! - [`typescript`]: both as TypeScript types
//! - [`pages`]: where they are served, with a page to browse the first
//! - [`schemas`]: JSON Schemas of all that travels

pub mod asyncapi;
pub mod pages;
pub(crate) mod schemas;
pub mod typescript;
