//! The front door's metrics. No label carries an id.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use metrics::{Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, histogram};
use tonic::{Code, Response, Status};

const CALL_SECONDS: &str = "rpc_server_call_duration_seconds";
const CALLS_REFUSED: &str = "payswitch_calls_refused_total";
pub(crate) const CONNECTIONS: &str = "payswitch_connections";
pub(crate) const CONNECTIONS_CUT: &str = "payswitch_connections_cut_total";
pub(crate) const WATCHES: &str = "payswitch_watches";
pub(crate) const WATCHES_FELL_BEHIND: &str = "payswitch_watches_fell_behind_total";

/// Tells the recorder what each metric means.
pub fn describe_metrics() {
    describe_histogram!(CALL_SECONDS, Unit::Seconds, "Time of a call in its handler, by method.");
    describe_counter!(CALLS_REFUSED, Unit::Count, "Calls that ended in a gRPC error, by method and code.");
    describe_gauge!(CONNECTIONS, Unit::Count, "Connections open on both listeners.");
    describe_counter!(CONNECTIONS_CUT, Unit::Count, "Connections cut: silent at the start, or too old.");
    describe_gauge!(WATCHES, Unit::Count, "Watches of payments under way.");
    describe_counter!(WATCHES_FELL_BEHIND, Unit::Count, "Watches ended because they were read too slowly.");
}

static CALLS_IN_FLIGHT: AtomicUsize = AtomicUsize::new(0);

/// How many calls are in a handler now, in the whole process.
#[must_use]
pub fn calls_in_flight() -> usize {
    CALLS_IN_FLIGHT.load(Ordering::Relaxed)
}

/// Counts a call until it ends, also when its handler is dropped in the middle.
struct InFlight;

impl InFlight {
    fn begin() -> Self {
        CALLS_IN_FLIGHT.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        CALLS_IN_FLIGHT.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One method of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Authorize,
    Capture,
    Void,
    Refund,
    IncreaseAuthorization,
    PaymentStream,
    AuthorizeBatch,
    GetPayment,
    ListPayments,
    Watch,
    CreateQuote,
    IssueCode,
    ApproveOrder,
    GrantMandate,
    RevokeMandate,
    BindCard,
    UnbindCard,
    GetCard,
    ListCards,
    AssertPerson,
    GetPerson,
    Open,
    Deposit,
    Withdraw,
    Close,
    Freeze,
    Unfreeze,
    GetAccount,
    ListPostings,
    ListRates,
    RateHistory,
    GetReceipt,
    ListReceiptKeys,
    RegisterMerchant,
    PublishRates,
    FundReserve,
    PayOut,
    SquarePosition,
    SettleScheme,
    Status,
    AdvanceClock,
    PinRate,
    FailNext,
}

/// The code as every gRPC client knows it (google.rpc.Code).
const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

const METHODS: usize = 43;

impl Method {
    const fn name(self) -> &'static str {
        match self {
            Self::Authorize => "payswitch.v1.PaymentService/Authorize",
            Self::Capture => "payswitch.v1.PaymentService/Capture",
            Self::Void => "payswitch.v1.PaymentService/Void",
            Self::Refund => "payswitch.v1.PaymentService/Refund",
            Self::IncreaseAuthorization => "payswitch.v1.PaymentService/IncreaseAuthorization",
            Self::PaymentStream => "payswitch.v1.PaymentService/PaymentStream",
            Self::AuthorizeBatch => "payswitch.v1.BatchService/AuthorizeBatch",
            Self::GetPayment => "payswitch.v1.PaymentService/Get",
            Self::ListPayments => "payswitch.v1.PaymentService/List",
            Self::Watch => "payswitch.v1.PaymentService/Watch",
            Self::CreateQuote => "payswitch.v1.QuoteService/Create",
            Self::IssueCode => "payswitch.v1.ConsentService/IssueCode",
            Self::ApproveOrder => "payswitch.v1.ConsentService/ApproveOrder",
            Self::GrantMandate => "payswitch.v1.ConsentService/GrantMandate",
            Self::RevokeMandate => "payswitch.v1.ConsentService/RevokeMandate",
            Self::BindCard => "payswitch.v1.CardService/Bind",
            Self::UnbindCard => "payswitch.v1.CardService/Unbind",
            Self::GetCard => "payswitch.v1.CardService/Get",
            Self::ListCards => "payswitch.v1.CardService/List",
            Self::AssertPerson => "payswitch.v1.PersonService/Assert",
            Self::GetPerson => "payswitch.v1.PersonService/Get",
            Self::Open => "payswitch.v1.AccountService/Open",
            Self::Deposit => "payswitch.v1.AccountService/Deposit",
            Self::Withdraw => "payswitch.v1.AccountService/Withdraw",
            Self::Close => "payswitch.v1.AccountService/Close",
            Self::Freeze => "payswitch.v1.AccountService/Freeze",
            Self::Unfreeze => "payswitch.v1.AccountService/Unfreeze",
            Self::GetAccount => "payswitch.v1.AccountService/Get",
            Self::ListPostings => "payswitch.v1.AccountService/ListPostings",
            Self::ListRates => "payswitch.v1.RateService/List",
            Self::RateHistory => "payswitch.v1.RateService/History",
            Self::GetReceipt => "payswitch.v1.ReceiptService/Get",
            Self::ListReceiptKeys => "payswitch.v1.ReceiptService/ListKeys",
            Self::RegisterMerchant => "payswitch.v1.OperationsService/RegisterMerchant",
            Self::PublishRates => "payswitch.v1.OperationsService/PublishRates",
            Self::FundReserve => "payswitch.v1.OperationsService/FundReserve",
            Self::PayOut => "payswitch.v1.OperationsService/PayOut",
            Self::SquarePosition => "payswitch.v1.OperationsService/SquarePosition",
            Self::SettleScheme => "payswitch.v1.OperationsService/SettleScheme",
            Self::Status => "payswitch.v1.OperationsService/Status",
            Self::AdvanceClock => "payswitch.v1.SandboxService/AdvanceClock",
            Self::PinRate => "payswitch.v1.SandboxService/PinRate",
            Self::FailNext => "payswitch.v1.SandboxService/FailNext",
        }
    }

    /// Resolved once for each method, so that the hot path does not look names up.
    fn call_seconds(self) -> &'static Histogram {
        static HISTOGRAMS: [OnceLock<Histogram>; METHODS] = [const { OnceLock::new() }; METHODS];
        HISTOGRAMS[self as usize].get_or_init(|| histogram!(CALL_SECONDS, "rpc_method" => self.name()))
    }

    /// A call of this method begins.
    pub(crate) fn begin(self) -> Begun {
        Begun { method: self, started: Instant::now(), _in_flight: InFlight::begin() }
    }

    /// Records how long one took, and the code it was refused with.
    pub(crate) fn measured(self, took: Duration, refused: Option<Code>) {
        self.call_seconds().record(took);
        if let Some(code) = refused {
            counter!(CALLS_REFUSED, "rpc_method" => self.name(), "code" => code_name(code)).increment(1);
        }
    }
}

/// A call under way.
pub(crate) struct Begun {
    method: Method,
    started: Instant,
    _in_flight: InFlight,
}

impl Begun {
    /// Records how long it took and how it ended.
    pub(crate) fn end<T>(self, result: Result<Response<T>, Status>) -> Result<Response<T>, Status> {
        self.method.measured(self.started.elapsed(), result.as_ref().err().map(Status::code));
        result
    }
}
