//! Telling the switch, until it has heard.

use std::sync::Arc;

use domain::{AcknowledgeAdvice, AnswerCard, CardAnswer, Timestamp, TraceNumbers};
use tokio::time::sleep;

use super::{BackOff, Clock, Heard, Switch, Unheard, settings::millis};
use crate::metric_names::METRICS;

/// Tells an answer, once at least, until it is heard or too late to matter.
pub(crate) async fn answer(
    switch: Arc<impl Switch>,
    clock: Arc<impl Clock>,
    back_off: BackOff,
    answer: AnswerCard,
    answer_by: Timestamp,
) {
    let mut failed = 0_u32;
    loop {
        match switch.answer(answer).await {
            Ok(Heard::Recorded) => return,
            Ok(Heard::NothingOpen) => return late(answer),
            Err(Unheard) if answer_by <= clock.now() => return late(answer),
            Err(Unheard) => {
                failed = failed.saturating_add(1);
                sleep(millis(back_off.wait_ms(failed, answer.request.get()))).await;
            }
        }
    }
}

/// Counts it. The ledger has reversed what was approved too late, or will; where a network did not find it then, somebody has
/// to look, so its numbers are noted.
fn late(answer: AnswerCard) {
    METRICS.late.increment(1);
    if let CardAnswer::Approved(_) | CardAnswer::Partial { .. } = answer.answer {
        let (rrn, payment_id) = (TraceNumbers::of(answer.request).rrn(), answer.payment_id);
        tracing::warn!(rrn, %payment_id, "an approval came too late");
    }
}

/// Tells that an advice was taken, until it is heard.
pub(crate) async fn acknowledge(switch: Arc<impl Switch>, back_off: BackOff, advice: AcknowledgeAdvice) {
    let mut failed = 0_u32;
    while let Err(Unheard) = switch.acknowledge(advice).await {
        failed = failed.saturating_add(1);
        sleep(millis(back_off.wait_ms(failed, advice.advice.get()))).await;
    }
}
