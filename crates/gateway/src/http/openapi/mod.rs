//! The OpenAPI document: made of the endpoints themselves.
//!
//! - [`mod@about`]: what an endpoint says about itself
//! - [`signature`]: what its handler's signature says
//! - [`document`](self::document()): all of it together

mod about;
mod document;
mod signature;

pub(super) use crate::documents::schemas::Schemas;
pub(super) use about::{About, about};
pub(super) use document::Endpoint;
pub use document::document;
pub(super) use signature::{Described, Takes};
