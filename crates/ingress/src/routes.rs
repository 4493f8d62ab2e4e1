//! Which service a call goes to.

use std::{
    convert::Infallible,
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use tonic::{
    body::Body,
    codegen::{
        BoxFuture, Service,
        http::{Method, Request, Response},
    },
    server::NamedService,
    service,
};

/// The services of a listener.
///
/// A call is handed to its service at once, by the first part of its path: the transport's own router would look at every
/// part, keep what it found for the service, and wrap the answer once more. Whatever is no call of a service here is left
/// to that router.
#[derive(Clone)]
pub struct Routes {
    services: Arc<[(&'static str, Box<dyn Answers>)]>,
    all: service::Routes,
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.services.iter().map(|(name, _)| name)).finish()
    }
}

impl Routes {
    fn service(&self, request: &Request<Body>) -> Option<&dyn Answers> {
        if request.method() != Method::POST {
            return None;
        }
        let (name, method) = request.uri().path().strip_prefix('/')?.split_once('/')?;
        let (_, service) = self.services.iter().find(|(of, _)| *of == name)?;
        (!method.is_empty()).then_some(&**service)
    }
}

impl Service<Request<Body>> for Routes {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.service(&request) {
            Some(service) => service.answer(request),
            None => Box::pin(self.all.call(request)),
        }
    }
}

/// Puts [`Routes`] together.
#[derive(Default)]
pub(crate) struct RoutesBuilder {
    services: Vec<(&'static str, Box<dyn Answers>)>,
    all: service::RoutesBuilder,
}

impl RoutesBuilder {
    /// Adds one service; what is called most comes first.
    pub(crate) fn add_service<S>(&mut self, service: S) -> &mut Self
    where
        S: Answers + NamedService + Clone + 'static,
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>,
    {
        self.all.add_service(service.clone());
        self.services.push((S::NAME, Box::new(service)));
        self
    }

    /// All that were added.
    pub(crate) fn routes(self) -> Routes {
        Routes { services: self.services.into(), all: self.all.routes() }
    }
}

/// A generated server.
pub(crate) trait Answers: Send + Sync {
    fn answer(&self, request: Request<Body>) -> BoxFuture<Response<Body>, Infallible>;
}

impl<S> Answers for S
where
    S: Service<
            Request<Body>,
            Response = Response<Body>,
            Error = Infallible,
            Future = BoxFuture<Response<Body>, Infallible>,
        > + Clone
        + Send
        + Sync,
{
    fn answer(&self, request: Request<Body>) -> BoxFuture<Response<Body>, Infallible> {
        self.clone().call(request)
    }
}
