//! Connections, and what goes with every call.

use std::time::Duration;

use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::{Address, ApiKey, Error};

/// How long a connection with something under way may be silent before the daemon is asked for a sign of life.
const KEEPALIVE: Duration = Duration::from_secs(20);
/// How long the daemon then has to give one, before the connection counts as broken.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// For a connection.
    pub connect_timeout: Duration,
    /// For the answer to a call, or the beginning of a stream. The daemon is told of a call's, and does not begin what it
    /// cannot finish in time.
    pub call_timeout: Duration,
}

/// Five seconds for a connection, thirty for an answer.
impl Default for Options {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(5), call_timeout: Duration::from_secs(30) }
    }
}

/// A connection that says with every call who calls.
pub(crate) type Authenticated = InterceptedService<Channel, Caller>;

/// A connection and who calls over it.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    channel: Channel,
    key: ApiKey,
    call_timeout: Duration,
}

impl Connection {
    /// For calls, each with a deadline.
    pub(crate) fn for_calls(&self) -> Authenticated {
        self.with(Deadline::After(self.call_timeout))
    }

    /// For streams, which go on until one side ends them.
    pub(crate) fn for_streams(&self) -> Authenticated {
        self.with(Deadline::None)
    }

    fn with(&self, deadline: Deadline) -> Authenticated {
        InterceptedService::new(self.channel.clone(), Caller { key: self.key.clone(), deadline })
    }
}

/// Connects now.
pub(crate) async fn connect(address: &Address, key: &ApiKey, options: Options) -> Result<Connection, Error> {
    match endpoint(address, options).connect().await {
        Ok(channel) => Ok(connection(channel, key, options)),
        Err(error) => Err(Error::unreachable(address, &error)),
    }
}

/// Connects with the first call.
pub(crate) fn connect_lazily(address: &Address, key: &ApiKey, options: Options) -> Connection {
    connection(endpoint(address, options).connect_lazy(), key, options)
}

fn connection(channel: Channel, key: &ApiKey, options: Options) -> Connection {
    Connection { channel, key: key.clone(), call_timeout: options.call_timeout }
}

/// The timeout ends the wait for the first answer of a stream too; what follows may take as long as it takes, so only
/// signs of life tell a silent stream from a broken connection.
fn endpoint(address: &Address, options: Options) -> Endpoint {
    address
        .endpoint()
        .connect_timeout(options.connect_timeout)
        .timeout(options.call_timeout)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
}

/// Who calls, and how long it waits.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    key: ApiKey,
    deadline: Deadline,
}

/// Whether the daemon is told how long the caller waits.
#[derive(Clone, Copy, Debug)]
enum Deadline {
    After(Duration),
    None,
}

impl Interceptor for Caller {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.key.header());
        match self.deadline {
            Deadline::After(call_timeout) => request.set_timeout(call_timeout),
            Deadline::None => {}
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(deadline: Deadline) -> Request<()> {
        Caller { key: "key".parse().unwrap(), deadline }.call(Request::new(())).unwrap()
    }

    #[test]
    fn a_call_has_a_deadline_and_a_stream_has_none() {
        let (call, stream) = (sent(Deadline::After(Duration::from_secs(30))), sent(Deadline::None));
        assert!(call.metadata().contains_key("grpc-timeout"));
        assert!(!stream.metadata().contains_key("grpc-timeout"));
        for request in [call, stream] {
            assert!(request.metadata().contains_key("authorization"));
        }
    }
}
