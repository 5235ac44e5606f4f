//! Endpoints: a route, what carries it out, and what the OpenAPI document says about it, in one
//! place, so that none is without the others.
//!
//! Each file of endpoints has a function `endpoints()`. What a handler takes and answers with is
//! read off its signature (`Takes`, `Answers`);
//! only what a signature can't say is said here: what it is for, and how it can fail.

use std::any::type_name;
use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};

use super::openapi::{About, Described, Endpoint};
use crate::app::App;

macro_rules! methods {
    ($($name:ident = $method:ident;)*) => {
        $(
            /// Adds an endpoint of this method. Paths are axum's, below `/api/v1`.
            pub(super) fn $name<H, T>(self, path: &'static str, handler: H, about: About) -> Self
            where
                H: Handler<T, Arc<App>> + Described<T>,
                T: 'static,
            {
                self.on(MethodFilter::$method, stringify!($name), path, handler, about)
            }
        )*
    };
}

/// Routes with their descriptions.
pub(super) struct Endpoints {
    /// What the document lists them under.
    tag: &'static str,
    router: Router<Arc<App>>,
    list: Vec<Endpoint>,
}

impl Endpoints {
    /// None yet. `tag` is what the document lists them under, such as `Rooms`.
    pub(super) fn of(tag: &'static str) -> Self {
        Self { tag, router: Router::new(), list: Vec::new() }
    }

    methods! {
        get = GET;
        post = POST;
        put = PUT;
        patch = PATCH;
        delete = DELETE;
        head = HEAD;
        options = OPTIONS;
    }

    fn on<H, T>(
        mut self,
        filter: MethodFilter,
        method: &'static str,
        path: &'static str,
        handler: H,
        about: About,
    ) -> Self
    where
        H: Handler<T, Arc<App>> + Described<T>,
        T: 'static,
    {
        let route: MethodRouter<Arc<App>> = on(filter, handler);
        self.router = self.router.route(path, route);
        self.list.push(Endpoint {
            tag: self.tag,
            method,
            path,
            handler: type_name::<H>(),
            about,
            describe: H::describe,
        });
        self
    }

    /// Puts layers around these routes alone, such as a larger body limit.
    pub(super) fn layered(
        mut self,
        layer: impl FnOnce(Router<Arc<App>>) -> Router<Arc<App>>,
    ) -> Self {
        self.router = layer(self.router);
        self
    }

    /// These and `others`.
    pub(super) fn and(mut self, others: Self) -> Self {
        self.router = self.router.merge(others.router);
        self.list.extend(others.list);
        self
    }

    /// The routes.
    pub(super) fn into_router(self) -> Router<Arc<App>> {
        self.router
    }

    /// The descriptions.
    pub(super) fn into_list(self) -> Vec<Endpoint> {
        self.list
    }
}
