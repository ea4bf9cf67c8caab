//! Routes with their `OpenAPI` descriptions.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, on};

use super::description::Description;
use super::rejects::Rejects;
use super::tags::{self, Tag};
use crate::http::problem::ProblemKind;
use crate::http::state::HttpState;

/// Describes an operation.
pub(super) type Describe = fn(Description<'_>) -> Description<'_>;

/// The HTTP method of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Patch,
    Delete,
}

impl Method {
    /// The method's name in the document.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

/// An operation of the document.
#[derive(Clone, Copy)]
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) tag: Tag,
    pub(super) describe: Describe,
    /// The problems that its handler's extractors return.
    pub(super) problems: fn() -> Vec<ProblemKind>,
}

/// Routes for the router and the document.
pub(super) struct Routes {
    router: Router<Arc<HttpState>>,
    operations: Vec<Operation>,
    tag: Tag,
}

impl Default for Routes {
    fn default() -> Self {
        Self { router: Router::new(), operations: Vec::new(), tag: tags::NODE }
    }
}

impl Routes {
    /// Sets the tag of the routes that follow.
    pub(super) fn about(self, tag: Tag) -> Self {
        Self { tag, ..self }
    }

    /// Adds a route.
    pub(super) fn on<H, T>(
        mut self,
        method: Method,
        path: &'static str,
        handler: H,
        describe: Describe,
    ) -> Self
    where
        H: Handler<T, Arc<HttpState>>,
        T: Rejects + 'static,
    {
        self.router = self.router.route(path, on(method.filter(), handler));
        self.operations.push(Operation {
            method,
            path,
            tag: self.tag,
            describe,
            problems: T::problems,
        });
        self
    }

    pub(super) fn into_router(self) -> Router<Arc<HttpState>> {
        self.router
    }

    pub(super) fn into_operations(self) -> Vec<Operation> {
        self.operations
    }
}
