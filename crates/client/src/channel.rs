//! Connections, and what goes with every call.

use std::time::Duration;

use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::{Address, ApiKey, Error};

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// For a connection.
    pub connect_timeout: Duration,
    /// For the answer to a call. The daemon is told, and does not begin what it cannot finish in time.
    pub call_timeout: Duration,
}

/// Five seconds for a connection, thirty for an answer.
impl Default for Options {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(5), call_timeout: Duration::from_secs(30) }
    }
}

/// A connection that says with every call who calls and how long it waits.
pub(crate) type Authenticated = InterceptedService<Channel, Caller>;

/// Connects now.
pub(crate) async fn connect(address: &Address, key: &ApiKey, options: Options) -> Result<Authenticated, Error> {
    let endpoint = address.endpoint().connect_timeout(options.connect_timeout);
    match endpoint.connect().await {
        Ok(channel) => Ok(authenticated(channel, key, options)),
        Err(error) => Err(Error::unreachable(address, &error)),
    }
}

/// Connects with the first call.
pub(crate) fn connect_lazily(address: &Address, key: &ApiKey, options: Options) -> Authenticated {
    let endpoint = address.endpoint().connect_timeout(options.connect_timeout);
    authenticated(endpoint.connect_lazy(), key, options)
}

fn authenticated(channel: Channel, key: &ApiKey, options: Options) -> Authenticated {
    InterceptedService::new(channel, Caller { key: key.clone(), call_timeout: options.call_timeout })
}

/// Who calls.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    key: ApiKey,
    call_timeout: Duration,
}

impl Interceptor for Caller {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.key.header());
        request.set_timeout(self.call_timeout);
        Ok(request)
    }
}
