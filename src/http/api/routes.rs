//! Routes, each with its description.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, on};

use super::description::Description;
use super::rejects::Rejects;
use crate::http::problem::ProblemKind;
use crate::http::state::HttpState;

/// How an operation is told in the document.
pub(super) type Describe = fn(Description<'_>) -> Description<'_>;

/// With which method an operation is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Patch,
    Delete,
}

impl Method {
    /// As the document names it.
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

/// An operation as it is to be told.
#[derive(Clone, Copy)]
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) tag: &'static str,
    pub(super) describe: Describe,
    /// How it is refused by what its handler takes.
    pub(super) problems: fn() -> Vec<ProblemKind>,
}

/// Routes on their way to a router, and to the document.
#[derive(Default)]
pub(super) struct Routes {
    router: Router<Arc<HttpState>>,
    operations: Vec<Operation>,
    tag: &'static str,
}

impl Routes {
    /// What follows is about this resource.
    pub(super) fn about(self, tag: &'static str) -> Self {
        Self { tag, ..self }
    }

    /// Adds an operation.
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
