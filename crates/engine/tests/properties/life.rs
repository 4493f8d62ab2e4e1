//! The life of a payment, as the model tells it.

use domain::{AccountId, AccountKind, CaptureMode, CaptureRest, DeclineReason, RefundFunding, RefundRate};

use crate::{
    ask::{Ask, Consented, Pay, Subject, Twist},
    consents::Agreed,
    exact::{Round, converted},
    model::{MERCHANTS, Model, Post, Repriced, What, house, payable, refused},
    payment::{AMOUNT_MAX, Levels, Payment, Phase, Tranche},
    quotes::{Found, Quoted},
    tape::{Lack, Price},
};

type Reason = DeclineReason;

/// So many holds end with one record.
const HOLDS_A_RECORD: usize = 64;

impl Model {
    pub(crate) fn pay(&self, pay: &Pay, at: i64) -> Result<What, String> {
        let subject = self.subject(pay);
        if subject.merchant >= MERCHANTS.len() {
            return refused("merchant_not_found");
        }
        let consent = self.consent_to(pay);
        if consent == Consented::Named && !self.sandbox {
            return refused("consent_missing");
        }
        if let Consented::Code(_) = consent
            && let Some(until) = self.consents.guessed_too_often(subject.merchant, at)
        {
            return Err(format!("too_many_guesses {until}"));
        }
        if !self.is_heard_of(consent) {
            let taken = self.order_taken(subject.merchant, pay.order);
            return Ok(taken.unwrap_or(What::Declined(Reason::ConsentNotFound, None)));
        }
        self.account(subject.account).ok_or("account_not_found")?;
        let quoted = match self.offer(pay) {
            Some(offer) => offer.quoted,
            None => self.fresh(&subject, pay.twist, at)?,
        };
        if pay.ordered && self.sandbox {
            return Ok(What::Declined(Reason::AccountFrozen, None));
        }
        if let Some(taken) = self.order_taken(subject.merchant, pay.order) {
            return Ok(taken);
        }
        Ok(self.approval(pay, &subject, &quoted, at).map_or_else(declined, |(what, _)| what))
    }

    /// What the stages found, or the refusal for what they did not or what went stale since.
    fn fresh(&self, subject: &Subject, twist: Twist, at: i64) -> Result<Quoted, String> {
        match self.evidence(subject, twist, at) {
            Found::Nobody => refused("account_not_found"),
            Found::Lack(Lack::Missing, _) => refused("rate_missing"),
            Found::Lack(Lack::Stale, _) => refused("rate_stale"),
            Found::Quoted(quoted) if self.has_gone_stale(&quoted, at) => refused("rate_stale"),
            Found::Quoted(quoted) => Ok(quoted),
        }
    }

    fn order_taken(&self, merchant: usize, order: u8) -> Option<What> {
        let holds = |payment: &&Payment| {
            let ended = !matches!(payment.phase, Phase::Open { .. }) && payment.captured() == 0;
            (payment.merchant, payment.order) == (merchant, order) && !ended
        };
        let paid_by = self.payments.iter().find(holds)?;
        Some(What::Declined(Reason::OrderAlreadyPaid, Some(paid_by.number)))
    }

    /// What happens, and the payment as it is then; else why it is declined.
    fn approval(&self, pay: &Pay, subject: &Subject, quoted: &Quoted, at: i64) -> Result<(What, Payment), Reason> {
        let Subject { merchant, account, units, .. } = *subject;
        let Agreed { max, period } = self.consents.agreed(self.consent_to(pay), pay.order, (merchant, account), at)?;
        if let Some(offer) = self.offer(pay) {
            let reasons = [
                (at >= offer.expires_at, Reason::QuoteExpired),
                (offer.used, Reason::QuoteUsed),
                (offer.subject != *subject, Reason::QuoteMismatch),
            ];
            reasons.into_iter().find(|(applies, _)| *applies).map_or(Ok(()), |(_, reason)| Err(reason))?;
        }
        let (legs, weight) = self.legs(subject, quoted, MERCHANTS[merchant].1)?;
        let debit = legs.debit(units.into());
        if let Some(percent) = pay.max_percent
            && debit > (self.debit_of(pay, at) * percent / 100).clamp(1, AMOUNT_MAX)
        {
            return Err(Reason::DebitAboveMax);
        }
        if max.is_some_and(|max| debit > max) || period.is_some_and(|(_, _, left)| debit > left) {
            return Err(Reason::ConsentExceeded);
        }
        self.may_debit(account)?;
        let expires_at = at + self.rules.merchant(merchant).hold_ms * 1_000;
        let payment = Payment {
            number: 0,
            merchant,
            account,
            order: pay.order,
            tranches: vec![Tranche::new(legs, weight, units.into())],
            phase: Phase::Open { expires_at },
            consented: max,
            mandate: period.map(|(mandate, period, _)| (mandate, period, debit)),
            pending: Vec::new(),
        };
        let above_soft_limit = self.exposed(&payment, payment.reserved())?;
        if pay.mode == CaptureMode::Manual {
            self.checked(&[], Some((account, debit)))?;
            return Ok((What::Authorized { expires_at, after: payment.totals(), above_soft_limit }, payment));
        }
        let payment = payment.after_capture(units.into(), false);
        let levels = payment.levels();
        let postings = self.legs_posted(&payment, levels, false);
        self.checked(&postings, None)?;
        let after = payment.totals();
        Ok((What::Captured { settlement: levels.settled(), postings, after, above_soft_limit }, payment))
    }

    fn may_debit(&self, account: usize) -> Result<(), Reason> {
        match self.accounts[account].state {
            "closed" => Err(Reason::AccountClosed),
            "frozen" => Err(Reason::AccountFrozen),
            _ => Ok(()),
        }
    }

    fn checked(&self, postings: &[Post], hold: Option<(usize, i128)>) -> Result<(), Reason> {
        match self.posted(postings, hold) {
            Some(What::Declined(reason, _)) => Err(reason),
            _ => Ok(()),
        }
    }

    /// Currencies above their soft limit once so much more is open, or the decline above the hard one.
    fn exposed(&self, payment: &Payment, (gained, lost): (i128, i128)) -> Result<Vec<&'static str>, Reason> {
        let (debit, settlement) = (payment.legs().debit, payment.legs().settlement);
        let mut changes = vec![(debit, gained), (settlement, lost)];
        if debit == settlement {
            changes = vec![(debit, gained + lost)];
        }
        let mut soft = Vec::new();
        for (currency, change) in changes.into_iter().filter(|_| payment.legs().exchanges()) {
            let Some((soft_limit, hard_limit)) = self.rules.limits.get(currency) else { continue };
            let (position, reserved) = self.exposure(currency);
            let before = position + reserved;
            let grows = (before + change).abs() > before.abs();
            if grows && (before + change).abs() > *hard_limit {
                return Err(Reason::ExposureLimit);
            }
            if grows && (before + change).abs() > *soft_limit {
                soft.push(currency);
            }
        }
        soft.sort_unstable();
        Ok(soft)
    }

    /// The payment that a merchant may ask about, where it allows that.
    fn movable(&self, payment: usize, stranger: bool, asked: &str, at: i64) -> Result<&Payment, String> {
        let found = self.payment(payment).filter(|_| !stranger).ok_or("payment_not_found")?;
        let state = found.state_at(at);
        let allowed: &[&str] = match state {
            "authorized" => &["capture", "void", "increase"],
            "partially_captured" => &["capture", "void", "increase", "refund"],
            "captured" | "partially_refunded" => &["refund"],
            _ => &[],
        };
        match allowed.contains(&asked) {
            true => Ok(found),
            false => Err(format!("move_not_allowed {state} {asked}")),
        }
    }

    pub(crate) fn life(&self, ask: &Ask, at: i64) -> Result<What, String> {
        match ask {
            Ask::Capture { payment, part, rest, stranger } => {
                let before = self.movable(*payment, *stranger, "capture", at)?;
                let (units, left) = (part.of(self.uncaptured(*payment)), self.uncaptured(*payment));
                if units > left {
                    return Err(format!("amount_above_remaining capture {left}"));
                }
                let after = before.after_capture(units, *rest == CaptureRest::Released);
                let change = after.levels().less(before.levels());
                let postings = self.legs_posted(before, change, false);
                let hold = (before.account, after.held() - before.held());
                let (settlement, after) = (change.settled(), after.totals());
                let captured = What::Captured { settlement, postings, after, above_soft_limit: Vec::new() };
                Ok(self.posted(crate::model::postings(&captured), Some(hold)).unwrap_or(captured))
            }
            Ask::Void { payment, stranger } => {
                let before = self.movable(*payment, *stranger, "void", at)?;
                Ok(What::Voided(before.closed(Phase::Voided).totals()))
            }
            Ask::Increase { payment, units, further, twist } => {
                let before = self.movable(*payment, false, "increase", at)?;
                if further.is_some()
                    && let Some(until) = self.consents.guessed_too_often(before.merchant, at)
                {
                    return Err(format!("too_many_guesses {until}"));
                }
                let subject = self.increased(*payment, *units);
                let quoted = self.fresh(&subject, *twist, at)?;
                let agreed = match self.agreed_further(before, *further, at) {
                    Ok(agreed) => agreed,
                    Err(reason) => return Ok(declined(reason)),
                };
                let (legs, weight) = match self.legs(&subject, &quoted, MERCHANTS[before.merchant].1) {
                    Ok(legs) => legs,
                    Err(reason) => return Ok(declined(reason)),
                };
                let Some(after) = before.after_increase(legs, weight, (*units).into()) else {
                    return refused("too_many_tranches");
                };
                if !after.is_one_amount() {
                    return refused("payment_too_large");
                }
                Ok(self.increase(before, &after, &agreed).unwrap_or_else(declined))
            }
            other => unreachable!("{other:?} is no move of a payment"),
        }
    }

    /// What the payer agrees to in all, a further code included.
    fn agreed_further(&self, before: &Payment, further: Option<u8>, at: i64) -> Result<Agreed, Reason> {
        let parties = (before.merchant, before.account);
        let agreed = |consent| self.consents.agreed(consent, before.order, parties, at);
        let more = match further {
            Some(code) => agreed(Consented::Code(code))?.max.unwrap_or(0),
            None => 0,
        };
        let period = match before.mandate {
            Some((mandate, _, _)) => agreed(Consented::Mandate(mandate))?.period,
            None => None,
        };
        Ok(Agreed { max: before.consented.map(|max| max + more), period })
    }

    fn increase(&self, before: &Payment, after: &Payment, agreed: &Agreed) -> Result<What, Reason> {
        let (was, now) = (before.totals().authorized[1], after.totals().authorized[1]);
        if agreed.max.is_some_and(|max| now > max) || agreed.period.is_some_and(|(_, _, left)| now - was > left) {
            return Err(Reason::ConsentExceeded);
        }
        self.may_debit(before.account)?;
        let (more, less) = (after.reserved(), before.reserved());
        let above_soft_limit = self.exposed(after, (more.0 - less.0, more.1 - less.1))?;
        self.checked(&[], Some((before.account, after.held() - before.held())))?;
        Ok(What::Increased { after: after.totals(), above_soft_limit })
    }

    pub(crate) fn refund(&self, payment: usize, units: i128, stranger: bool, at: i64) -> Result<What, String> {
        let before = self.movable(payment, stranger, "refund", at)?;
        if units > before.not_refunded() {
            return Err(format!("amount_above_remaining refund {}", before.not_refunded()));
        }
        let rate = self.refund_rate(before);
        let price = match rate {
            RefundRate::Original | RefundRate::NextDay => None,
            RefundRate::Current => Some(match self.tape.price(&self.rules, before.pair(), 0) {
                Err(Lack::Missing) => return refused("rate_missing"),
                Err(Lack::Stale) => return refused("rate_stale"),
                Ok(price) if at >= price.expires_at => return refused("rate_stale"),
                Ok(price) => price,
            }),
        };
        if rate == RefundRate::NextDay && before.pending.len() >= 50 {
            return refused("too_many_pending_refunds");
        }
        if self.accounts[before.account].state == "closed" {
            return Ok(declined(Reason::AccountClosed));
        }
        Ok(self.refunded(before, units, rate, price, at).unwrap_or_else(declined))
    }

    fn refund_rate(&self, payment: &Payment) -> RefundRate {
        let (presentment, debit) = payment.pair();
        match presentment == debit {
            true => RefundRate::Original,
            false => self.rules.merchant(payment.merchant).refund_rate,
        }
    }

    fn refunded(
        &self,
        before: &Payment,
        units: i128,
        rate: RefundRate,
        price: Option<Price>,
        at: i64,
    ) -> Result<What, Reason> {
        let (after, original_mid) = before.after_refund(units, rate != RefundRate::Original);
        let change = after.levels().less(before.levels());
        let mut postings = self.funded(before, change)?;
        postings.extend(self.legs_posted(before, change, true));
        let given = price.map(|price| self.given(before, units, original_mid, &price)).transpose()?;
        if let Some((_, _, to_payer)) = &given {
            postings.extend(to_payer);
        }
        self.checked(&postings, Some((before.account, after.held() - before.held())))?;
        let (settlement, after) = (-change.settled(), after.totals());
        if rate == RefundRate::NextDay {
            return Ok(What::RefundPending { settlement, postings, from_day: self.rules.day(at) + 1, after });
        }
        let (debit, repriced) = given.map_or((-change.debit, None), |(debit, how, _)| (debit, Some(how)));
        Ok(What::Refunded { debit, settlement, repriced, postings, after })
    }

    /// What the merchant's reserve adds where it is owed less than its share.
    fn funded(&self, payment: &Payment, change: Levels) -> Result<Vec<Post>, Reason> {
        let payable = payable(payment.merchant);
        let lack = -(self.balance(payable) + change.settled());
        if lack <= 0 {
            return Ok(Vec::new());
        }
        let reserve = AccountId { kind: AccountKind::MerchantReserve, ..payable };
        let may = self.rules.merchant(payment.merchant).refund_funding == RefundFunding::Reserve;
        match may && self.balance(reserve) >= lack {
            true => Ok(vec![(reserve, payable, lack)]),
            false => Err(Reason::NotEnough),
        }
    }

    /// What the payer gets at the mid of another rate, and how that is posted.
    fn given(
        &self,
        payment: &Payment,
        units: i128,
        original_mid: i128,
        price: &Price,
    ) -> Result<(i128, Repriced, Vec<Post>), Reason> {
        let debit = converted(units, payment.pair(), price.prices.mid, 1_000_000, Round::Down);
        if debit > AMOUNT_MAX {
            return Err(Reason::DebitAmountTooLarge);
        }
        let difference = debit - original_mid;
        let payer = self.account_id(payment.account).expect("it paid");
        let currency = payment.legs().debit;
        let (position, result) = (house(AccountKind::FxPosition, currency), house(AccountKind::FxResult, currency));
        let mut postings = vec![(position, payer, debit.min(original_mid))];
        match difference {
            0.. => postings.push((result, payer, difference)),
            _ => postings.push((position, result, -difference)),
        }
        postings.retain(|(_, _, units)| *units != 0);
        Ok((debit, Repriced { mid: price.prices.mid, lsn: price.lsn, difference }, postings))
    }

    /// The postings of a change of levels, a refund's with the merchant's side first.
    fn legs_posted(&self, payment: &Payment, change: Levels, refunds: bool) -> Vec<Post> {
        let legs = payment.legs();
        let payer = self.account_id(payment.account).expect("it pays");
        let payable = payable(payment.merchant);
        let position = |currency| house(AccountKind::FxPosition, currency);
        let fees = (payable, house(AccountKind::FeeIncome, legs.settlement), change.discount);
        let from_payer = [
            (payer, position(legs.debit), change.mid),
            (payer, house(AccountKind::FxMarkup, legs.debit), change.debit - change.mid),
        ];
        let to_merchant = [(position(legs.settlement), payable, change.gross), fees];
        let mut postings = match (legs.exchanges(), refunds) {
            (false, _) => vec![(payer, payable, change.debit), fees],
            (true, false) => [from_payer, to_merchant].concat(),
            (true, true) => [to_merchant, from_payer].concat(),
        };
        postings.retain(|(_, _, units)| *units != 0);
        let turned =
            |(debit, credit, units): Post| if units < 0 { (credit, debit, -units) } else { (debit, credit, units) };
        postings.into_iter().map(turned).collect()
    }

    /// What the switch must do by itself at `at`.
    pub(crate) fn due(&self, at: i64) -> Option<What> {
        let mut due: Vec<(i64, &Payment)> = self.payments.iter().filter_map(open_until).collect();
        due.retain(|(expires_at, _)| *expires_at <= at);
        due.sort_by_key(|(expires_at, payment)| (*expires_at, payment.number));
        due.truncate(HOLDS_A_RECORD);
        if !due.is_empty() {
            let expired = due.iter().map(|(_, payment)| (payment.number, payment.closed(Phase::Expired).totals()));
            return Some(What::Expired(expired.collect()));
        }
        // By pair, then by day.
        let waiting = self.payments.iter().flat_map(|payment| {
            payment.pending.iter().map(move |(refund, day, ..)| (payment.pair(), *day, payment.number, *refund))
        });
        let mut waiting: Vec<_> = waiting.collect();
        waiting.sort_unstable();
        waiting.into_iter().find_map(|(pair, day, number, refund)| self.price_refund(pair, day, number, refund))
    }

    fn price_refund(&self, pair: (&str, &str), day: i64, number: u64, refund: u64) -> Option<What> {
        let price = self.tape.first_of_day(&self.rules, pair, day)?;
        let payment = self.payments.iter().find(|payment| payment.number == number)?;
        let (_, _, units, original_mid) = *payment.pending.iter().find(|(of, ..)| *of == refund)?;
        let (debit, repriced, postings) = self.given(payment, units, original_mid, &price).ok()?;
        self.checked(&postings, None).ok()?;
        Some(What::Priced { payment: number, refund, debit, repriced, postings })
    }

    pub(crate) fn next_due_at(&self) -> Option<i64> {
        self.payments.iter().filter_map(open_until).map(|(expires_at, _)| expires_at).min()
    }

    /// Makes what the switch did by itself so.
    pub(crate) fn apply_due(&mut self, what: &What) {
        match what {
            What::Expired(holds) => {
                for (number, _) in holds {
                    let place = self.payments.iter().position(|payment| payment.number == *number).expect("it holds");
                    let after = self.payments[place].closed(Phase::Expired);
                    self.change(place, after);
                }
            }
            What::Priced { payment, refund, postings, .. } => {
                crate::model::post(&mut self.balances, postings);
                let priced = self.payments.iter_mut().find(|row| row.number == *payment).expect("it waits");
                priced.pending.retain(|(of, ..)| of != refund);
            }
            other => unreachable!("the switch does not by itself {other:?}"),
        }
    }

    pub(crate) fn apply_payment(&mut self, ask: &Ask, what: &What, lsn: u64, at: i64) {
        let place = |payment: usize| self.place(payment).expect("it was found");
        match (ask, what) {
            (Ask::Pay(pay), What::Authorized { .. } | What::Captured { .. }) => self.approved(pay, lsn, at),
            (Ask::Capture { payment, part, rest, .. }, What::Captured { .. }) => {
                let units = part.of(self.uncaptured(*payment));
                let after = self.payments[place(*payment)].after_capture(units, *rest == CaptureRest::Released);
                self.change(place(*payment), after);
            }
            (Ask::Void { payment, .. }, What::Voided(_)) => {
                let after = self.payments[place(*payment)].closed(Phase::Voided);
                self.change(place(*payment), after);
            }
            (Ask::Refund { payment, part, .. }, What::Refunded { repriced, .. }) => {
                let units = part.of(self.unrefunded(*payment));
                let (after, _) = self.payments[place(*payment)].after_refund(units, repriced.is_some());
                self.change(place(*payment), after);
            }
            (Ask::Refund { payment, part, .. }, What::RefundPending { from_day, .. }) => {
                let units = part.of(self.unrefunded(*payment));
                let (mut after, original_mid) = self.payments[place(*payment)].after_refund(units, true);
                after.pending.push((lsn, *from_day, units, original_mid));
                self.change(place(*payment), after);
            }
            (Ask::Increase { payment, units, further, twist }, What::Increased { .. }) => {
                self.grown(*payment, *units, *further, *twist, at);
            }
            (_, _) => {}
        }
    }

    fn approved(&mut self, pay: &Pay, lsn: u64, at: i64) {
        let subject = self.subject(pay);
        let quoted = match self.offer(pay) {
            Some(offer) => offer.quoted,
            None => self.fresh(&subject, pay.twist, at).expect("it was approved"),
        };
        let (_, payment) = self.approval(pay, &subject, &quoted, at).expect("it was approved");
        let debit = payment.totals().authorized[1];
        if let Some((offer, _)) = pay.offer
            && let Some(offer) = self.offers.get_mut(offer)
        {
            offer.used = true;
        }
        self.consent_used(self.consent_to(pay), pay.order, (payment.merchant, payment.account), debit, at);
        self.payments.push(Payment { number: lsn, ..payment });
    }

    fn grown(&mut self, payment: usize, units: i64, further: Option<u8>, twist: Twist, at: i64) {
        let place = self.place(payment).expect("it was found");
        let before = self.payments[place].clone();
        let subject = self.increased(payment, units);
        let quoted = self.fresh(&subject, twist, at).expect("it was increased");
        let (legs, weight) = self.legs(&subject, &quoted, MERCHANTS[before.merchant].1).expect("it was increased");
        let Agreed { max, period } = self.agreed_further(&before, further, at).expect("it was increased");
        let mut after = before.after_increase(legs, weight, units.into()).expect("it was increased");
        after.consented = max;
        let more = after.totals().authorized[1] - before.totals().authorized[1];
        let parties = (before.merchant, before.account);
        if let (Some((mandate, last, counted)), Some((_, period, _))) = (before.mandate, period) {
            self.consent_used(Consented::Mandate(mandate), before.order, parties, more, at);
            after.mandate = Some((mandate, period, if last == period { counted + more } else { more }));
        }
        if let Some(code) = further {
            self.consent_used(Consented::Code(code), before.order, parties, more, at);
        }
        self.change(place, after);
    }

    fn change(&mut self, payment: usize, after: Payment) {
        let before = &self.payments[payment];
        if open_until(before).is_some() && open_until(&after).is_none() {
            let totals = after.totals();
            self.consent_released(before.mandate, totals.authorized[1] - totals.captured[1]);
        }
        self.payments[payment] = after;
    }
}

fn open_until(payment: &Payment) -> Option<(i64, &Payment)> {
    match payment.phase {
        Phase::Open { expires_at } => Some((expires_at, payment)),
        Phase::Captured | Phase::Voided | Phase::Expired => None,
    }
}

fn declined(reason: Reason) -> What {
    What::Declined(reason, None)
}
