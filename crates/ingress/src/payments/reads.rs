//! Reads of payments: of a merchant its own, of the operator all.

use domain::{MerchantId, Name, TenantId};
use projections::{LIST_SCAN_MAX, ListPlace, PaymentFilter, PaymentView};
use tonic::{Request, Response, Status};
use wire::{
    requests::{self, PaymentList, PaymentName},
    v1,
};

use super::Payments;
use crate::{
    Principal, Switch, errors, payment_messages,
    watch::{self, WatchStream},
};

/// The most refunds that are told with a payment; of more, the last.
const REFUNDS_MAX: usize = 100;

impl Payments {
    pub(super) async fn get_now(
        &self,
        request: Request<v1::PaymentServiceGetRequest>,
    ) -> Result<Response<v1::PaymentServiceGetResponse>, Status> {
        let switch = &self.switch;
        let deadline = switch.deadline(request.metadata());
        let reader = Reader::of(switch.credentials.principal(request.metadata())?)?;
        let message = request.into_inner();
        let named = requests::payment_name(&message, &switch.digester).map_err(errors::invalid_field)?;

        switch.caught_up(deadline).await?;
        let applied_lsn = switch.boards.applied_lsn().get();
        let found = match (named, reader) {
            (PaymentName::Id(id), _) => switch.boards.payment(id),
            (PaymentName::MerchantOrderId(order), Reader::Merchant(merchant)) => {
                switch.boards.payment_by_order(merchant, order)
            }
            (PaymentName::IdempotencyKey(key), Reader::Merchant(merchant)) => {
                switch.boards.payment_by_key(TenantId::Merchant(merchant), key)
            }
            // These two are names of a merchant's own.
            (PaymentName::MerchantOrderId(_) | PaymentName::IdempotencyKey(_), Reader::Operator) => Ok(None),
        };
        let found = found.map_err(|error| errors::index_failed(&error))?;
        let found = found.filter(|payment| reader.may_read(payment));
        let found = found.ok_or_else(|| errors::payment_not_found(&asked_text(&message)))?;
        let refunds =
            switch.boards.refunds(found.payment_id(), REFUNDS_MAX).map_err(|error| errors::index_failed(&error))?;
        let refunds = refunds.iter().map(|refund| payment_messages::refund(refund, switch));
        Ok(Response::new(v1::PaymentServiceGetResponse {
            payment: Some(payment_messages::payment(&found, switch)?),
            applied_lsn,
            refunds: refunds.collect::<Result<_, _>>()?,
        }))
    }

    pub(super) async fn list_now(
        &self,
        request: Request<v1::PaymentServiceListRequest>,
    ) -> Result<Response<v1::PaymentServiceListResponse>, Status> {
        let switch = &self.switch;
        let deadline = switch.deadline(request.metadata());
        let reader = Reader::of(switch.credentials.principal(request.metadata())?)?;
        let asked = requests::payment_list(request.get_ref(), &switch.digester).map_err(errors::invalid_field)?;
        let PaymentList { filter, page, .. } = &asked;
        switch.caught_up(deadline).await?;
        let merchant = reader.scope(switch, filter.merchant.as_ref())?;
        let wanted = PaymentFilter {
            states: filter.states.iter().copied().collect(),
            decided_from: filter.decided_from,
            decided_to: filter.decided_before,
            presentment_currency: filter.presentment_currency,
        };
        let applied_lsn = switch.boards.applied_lsn().get();
        let limit = usize::try_from(page.rows).unwrap_or(usize::MAX);
        let found = switch.boards.list(merchant, &wanted, ListPlace::from_number(page.from), limit, LIST_SCAN_MAX);
        let found = found.map_err(|error| errors::index_failed(&error))?;
        let payments = found.payments.iter().map(|payment| payment_messages::payment(payment, switch));
        Ok(Response::new(v1::PaymentServiceListResponse {
            payments: payments.collect::<Result<_, _>>()?,
            next_page_token: found.next.map(|after| asked.token(after.number())).unwrap_or_default(),
            applied_lsn,
        }))
    }

    pub(super) async fn watch_now(&self, request: Request<v1::WatchRequest>) -> Result<Response<WatchStream>, Status> {
        let switch = &self.switch;
        let deadline = switch.deadline(request.metadata());
        let caller = switch.credentials.principal(request.metadata())?;
        let reader = Reader::of(caller)?;
        let asked = requests::watch(request.get_ref()).map_err(errors::invalid_field)?;
        switch.caught_up(deadline).await?;
        let merchant = reader.scope(switch, asked.merchant.as_ref())?;
        let stream = watch::begin(switch, caller, merchant, asked.after)?;
        Ok(Response::new(stream))
    }
}

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    Merchant(MerchantId),
    Operator,
}

impl Reader {
    fn of(principal: Principal) -> Result<Self, Status> {
        match principal {
            Principal::Merchant(merchant) => Ok(Self::Merchant(merchant)),
            Principal::Operator => Ok(Self::Operator),
            Principal::Wallet(_) => Err(errors::not_for_this_principal("merchants and the switch's operator")),
        }
    }

    fn may_read(self, payment: &PaymentView) -> bool {
        match self {
            Self::Merchant(merchant) => payment.merchant() == merchant,
            Self::Operator => true,
        }
    }

    /// Whose payments are asked for; `None` is everybody's. To a merchant there is no merchant but itself.
    fn scope(self, switch: &Switch, named: Option<&Name>) -> Result<Option<MerchantId>, Status> {
        let found = named.map(|name| {
            let merchant = switch.directory.merchant(name);
            merchant
                .filter(|merchant| self == Self::Operator || self == Self::Merchant(*merchant))
                .ok_or_else(|| errors::merchant_not_found(name.as_str()))
        });
        match (found.transpose()?, self) {
            (None, Self::Merchant(merchant)) => Ok(Some(merchant)),
            (found, _) => Ok(found),
        }
    }
}

/// The payment as the caller named it; it was checked, so it is safe to repeat.
fn asked_text(message: &v1::PaymentServiceGetRequest) -> String {
    let v1::PaymentServiceGetRequest { payment_id, merchant_order_id, idempotency_key } = message;
    if !payment_id.is_empty() {
        payment_id.clone()
    } else if !merchant_order_id.is_empty() {
        format!("for merchant_order_id {merchant_order_id}")
    } else {
        format!("for idempotency_key {idempotency_key}")
    }
}
