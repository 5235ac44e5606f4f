//! The OpenAPI document: made of the endpoints themselves.
//!
//! - [`about`]: what an endpoint says about itself
//! - [`signature`]: what its handler's signature says
//! - [`schemas`]: JSON Schemas of all that travels
//! - [`document`](self::document()): all of it together

mod about;
mod document;
mod schemas;
mod signature;

pub(super) use about::{About, about};
pub(super) use document::Endpoint;
pub use document::document;
pub(super) use schemas::Schemas;
pub(super) use signature::{Described, Takes};
