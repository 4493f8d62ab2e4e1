//! The floor that payments are compared with.

use tonic::{Code, Request, Response, Status};
use wire::bench_v1::{EchoRequest, EchoResponse, echo_service_server::EchoService};

/// The most bytes an echo returns.
const RESPONSE_BYTES_MAX: u32 = 65_536;

#[derive(Debug)]
pub(crate) struct Echo;

#[tonic::async_trait]
impl EchoService for Echo {
    async fn echo(&self, request: Request<EchoRequest>) -> Result<Response<EchoResponse>, Status> {
        let bytes = request.get_ref().response_bytes;
        if bytes > RESPONSE_BYTES_MAX {
            return Err(Status::new(Code::InvalidArgument, format!("response_bytes: at most {RESPONSE_BYTES_MAX}")));
        }
        let payload = vec![0; usize::try_from(bytes).unwrap_or(0)];
        Ok(Response::new(EchoResponse { payload }))
    }
}
