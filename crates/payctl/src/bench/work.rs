//! What the lean client asks for: payments and what becomes of them, and echoes.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use client::{Address, ApiKey};
use wire::v1::{CaptureMode, PaymentState, RefundState};

use super::chance::draw;
use super::checks::{Checks, Decided, Standing};
use super::lag::Lag;
use super::lean::{self, Work};
use super::mix::Mix;
use super::plan::{Moved, Plan};
use super::reply::{self, Malformed, PaymentView};
use super::tally::{Answer, Kind};

/// Payments remembered to be captured, refunded or looked at; the oldest are forgotten first.
const REMEMBERED_MAX: usize = 65_536;
/// What draws are for.
const FOR_REPEAT: u64 = 11;
const FOR_GET: u64 = 12;

/// Methods of the payment service, in the order of [`PaymentWork::route`].
const PATHS: [&str; 4] = [
    "/payswitch.v1.PaymentService/Authorize",
    "/payswitch.v1.PaymentService/Capture",
    "/payswitch.v1.PaymentService/Refund",
    "/payswitch.v1.PaymentService/Get",
];
const ECHO_PATH: &str = "/payswitch.bench.v1.EchoService/Echo";

/// A call of the payment service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PaymentAsked {
    number: u64,
    asks: Asks,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    Authorize(Mode),
    /// The same once more: it must be the same payment.
    Repeat(Mode, [u8; 16]),
    Capture(Moved),
    Refund(Moved),
    Get(Moved),
}

/// How a payment is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    AtOnce,
    Held,
}

impl Mode {
    const fn field(self) -> CaptureMode {
        match self {
            Self::AtOnce => CaptureMode::Unspecified,
            Self::Held => CaptureMode::Manual,
        }
    }

    const fn stands(self) -> Standing {
        match self {
            Self::AtOnce => Standing::Captured,
            Self::Held => Standing::Held,
        }
    }
}

/// Payments and what becomes of them.
#[derive(Debug)]
pub(super) struct PaymentWork {
    address: Address,
    plan: Rc<Plan>,
    checks: Checks,
    mix: Mix,
    repeats_percent: u64,
    lag: Option<Arc<Lag>>,
    known: RefCell<Known>,
}

/// Approved payments by what may be asked of them.
#[derive(Debug, Default)]
struct Known {
    held: VecDeque<Moved>,
    captured: VecDeque<Moved>,
    /// To be looked at, whatever has become of them.
    approved: VecDeque<Moved>,
}

fn remember(payments: &mut VecDeque<Moved>, payment: Moved) {
    if payments.len() == REMEMBERED_MAX {
        payments.pop_front();
    }
    payments.push_back(payment);
}

impl PaymentWork {
    pub(super) fn new(address: Address, plan: Rc<Plan>, mix: Mix, repeats_percent: u64, lag: Option<Arc<Lag>>) -> Self {
        let checks = Checks::new(Rc::clone(&plan));
        Self { address, plan, checks, mix, repeats_percent, lag, known: RefCell::default() }
    }

    /// A call by the merchant of payment number `number`.
    fn route(&self, number: u64, method: usize) -> usize {
        self.plan.pairing(number).merchant * PATHS.len() + method
    }

    /// What the drawn kind asks, or a payment while there is none to ask it of.
    fn asks(&self, number: u64) -> Asks {
        let mut known = self.known.borrow_mut();
        let moved = match self.mix.kind(number) {
            Kind::Capture => known.held.pop_front().map(Asks::Capture),
            Kind::Refund => known.captured.pop_front().map(Asks::Refund),
            Kind::Get => {
                let at = draw(number, FOR_GET).checked_rem(known.approved.len() as u64);
                let at = at.and_then(|at| usize::try_from(at).ok());
                at.and_then(|at| known.approved.get(at)).copied().map(Asks::Get)
            }
            Kind::Main | Kind::Repeat => None,
        };
        moved.unwrap_or(Asks::Authorize(if self.mix.is_held(number) { Mode::Held } else { Mode::AtOnce }))
    }

    fn authorized(&self, number: u64, mode: Mode, reply: &[u8], at: Instant) -> Result<(Answer, Option<Asks>), String> {
        let payment = self.told(reply::payment(reply), at)?;
        let payment_id = match self.checks.payment(number, &payment, mode.stands())? {
            Decided::Approved(payment_id) => payment_id,
            Decided::Declined => return Ok((Answer::Declined, None)),
        };
        if !self.mix.is_payments_only() {
            let (mut known, payment) = (self.known.borrow_mut(), Moved { payment_id, number });
            remember(&mut known.approved, payment);
            match mode {
                Mode::AtOnce => remember(&mut known.captured, payment),
                Mode::Held => remember(&mut known.held, payment),
            }
        }
        let repeats = draw(number, FOR_REPEAT) % 100 < self.repeats_percent;
        Ok((Answer::Approved(payment_id), repeats.then_some(Asks::Repeat(mode, payment_id))))
    }

    fn repeated(&self, number: u64, mode: Mode, first: [u8; 16], reply: &[u8]) -> Result<Answer, String> {
        let payment = present(reply::payment(reply))?;
        match self.checks.payment(number, &payment, mode.stands())? {
            Decided::Approved(payment_id) if payment_id == first => Ok(Answer::Right),
            Decided::Approved(_) => Err("a repeat was given another payment".to_owned()),
            Decided::Declined => Err("a repeat of an approved payment was declined".to_owned()),
        }
    }

    fn captured(&self, moved: Moved, reply: &[u8], at: Instant) -> Result<Answer, String> {
        let view = reply::capture(reply).map_err(|error| error.to_string())?;
        if view.decline_reason != 0 {
            return Ok(Answer::Declined);
        }
        let payment = self.told(Ok(view.payment), at)?;
        self.is_same(moved, &payment, Standing::Captured)?;
        if payment.authorized.is_none() || payment.authorized != payment.captured {
            return Err("what was captured is not what was authorized".to_owned());
        }
        remember(&mut self.known.borrow_mut().captured, moved);
        Ok(Answer::Right)
    }

    fn refunded(&self, moved: Moved, reply: &[u8], at: Instant) -> Result<Answer, String> {
        let view = reply::refund(reply).map_err(|error| error.to_string())?;
        if view.refund_state == i32::from(RefundState::Declined) {
            return Ok(Answer::Declined);
        }
        let payment = self.told(Ok(view.payment), at)?;
        self.is_same(moved, &payment, Standing::Approved)?;
        let is_refunded = payment.state == i32::from(PaymentState::Refunded);
        if !is_refunded || payment.captured.is_none() || payment.captured != payment.refunded {
            return Err("what was refunded is not what was captured".to_owned());
        }
        Ok(Answer::Right)
    }

    fn found(&self, moved: Moved, reply: &[u8]) -> Result<Answer, String> {
        let payment = present(reply::payment(reply))?;
        self.is_same(moved, &payment, Standing::Approved).map(|()| Answer::Right)
    }

    /// It is the payment that was asked about, and its amounts are as ever.
    fn is_same(&self, moved: Moved, payment: &PaymentView<'_>, stands: Standing) -> Result<(), String> {
        match self.checks.payment(moved.number, payment, stands)? {
            Decided::Approved(payment_id) if payment_id == moved.payment_id => Ok(()),
            Decided::Approved(_) | Decided::Declined => Err("it is another payment than asked about".to_owned()),
        }
    }

    /// The payment of a reply that rests on a record of its own.
    fn told<'a>(
        &self,
        payment: Result<Option<PaymentView<'a>>, Malformed>,
        at: Instant,
    ) -> Result<PaymentView<'a>, String> {
        let payment = present(payment)?;
        if let Some(lag) = &self.lag {
            lag.answered(payment.lsn, at);
        }
        Ok(payment)
    }
}

fn present(payment: Result<Option<PaymentView<'_>>, Malformed>) -> Result<PaymentView<'_>, String> {
    payment.map_err(|error| error.to_string())?.ok_or_else(|| "a reply without a payment".to_owned())
}

impl Work for PaymentWork {
    const NOUN: &'static str = "payments";

    type Call = PaymentAsked;

    fn routes(&self) -> Vec<lean::Route> {
        let of_merchant = |key: &ApiKey| PATHS.map(|path| lean::route(&self.address, path, key));
        self.plan.merchants().iter().flat_map(|merchant| of_merchant(&merchant.key)).collect()
    }

    fn call(&self, number: u64) -> PaymentAsked {
        PaymentAsked { number, asks: self.asks(number) }
    }

    fn write(&self, call: &PaymentAsked, message: &mut Vec<u8>) -> usize {
        let number = call.number;
        match call.asks {
            Asks::Authorize(mode) | Asks::Repeat(mode, _) => {
                self.plan.write_request(number, mode.field(), message);
                self.route(number, 0)
            }
            Asks::Capture(moved) => {
                self.plan.write_capture(number, moved, message);
                self.route(moved.number, 1)
            }
            Asks::Refund(moved) => {
                self.plan.write_refund(number, moved, message);
                self.route(moved.number, 2)
            }
            Asks::Get(moved) => {
                moved.write_get(message);
                self.route(moved.number, 3)
            }
        }
    }

    fn kind(call: &PaymentAsked) -> Kind {
        match call.asks {
            Asks::Authorize(_) => Kind::Main,
            Asks::Repeat(..) => Kind::Repeat,
            Asks::Capture(_) => Kind::Capture,
            Asks::Refund(_) => Kind::Refund,
            Asks::Get(_) => Kind::Get,
        }
    }

    fn check(&self, call: &PaymentAsked, reply: &[u8], at: Instant) -> (Answer, Option<PaymentAsked>) {
        let number = call.number;
        let alone = |answer| (answer, None);
        let checked = match call.asks {
            Asks::Authorize(mode) => self.authorized(number, mode, reply, at),
            Asks::Repeat(mode, first) => self.repeated(number, mode, first, reply).map(alone),
            Asks::Capture(moved) => self.captured(moved, reply, at).map(alone),
            Asks::Refund(moved) => self.refunded(moved, reply, at).map(alone),
            Asks::Get(moved) => self.found(moved, reply).map(alone),
        };
        let (answer, then) = checked.unwrap_or_else(|why| alone(Answer::Wrong(why)));
        (answer, then.map(|asks| PaymentAsked { number, asks }))
    }
}

/// Echoes, all alike.
#[derive(Debug)]
pub(super) struct EchoWork {
    pub(super) address: Address,
    pub(super) key: ApiKey,
    /// Encoded.
    pub(super) request: Vec<u8>,
    pub(super) response_bytes: u32,
}

impl Work for EchoWork {
    const NOUN: &'static str = "echoes";

    type Call = ();

    fn routes(&self) -> Vec<lean::Route> {
        vec![lean::route(&self.address, ECHO_PATH, &self.key)]
    }

    fn call(&self, _: u64) {}

    fn write(&self, (): &(), message: &mut Vec<u8>) -> usize {
        message.extend_from_slice(&self.request);
        0
    }

    fn kind((): &()) -> Kind {
        Kind::Main
    }

    fn check(&self, (): &(), reply: &[u8], _: Instant) -> (Answer, Option<()>) {
        let answer = match reply::echo_bytes(reply) {
            Ok(bytes) if u32::try_from(bytes) == Ok(self.response_bytes) => Answer::Right,
            Ok(_) => Answer::Wrong("an echo of another length".to_owned()),
            Err(error) => Answer::Wrong(error.to_string()),
        };
        (answer, None)
    }
}

#[cfg(test)]
mod tests;
