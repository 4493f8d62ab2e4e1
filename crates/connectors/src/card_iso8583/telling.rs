//! Telling the switch, until it has heard.

use std::sync::Arc;

use domain::{AcknowledgeAdvice, AnswerCard, Timestamp};
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
            Ok(Heard::NothingOpen) => return METRICS.late.increment(1),
            Err(Unheard) if answer_by <= clock.now() => return METRICS.late.increment(1),
            Err(Unheard) => {
                failed = failed.saturating_add(1);
                sleep(millis(back_off.wait_ms(failed, answer.request.get()))).await;
            }
        }
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
