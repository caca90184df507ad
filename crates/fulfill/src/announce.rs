//! What was written is told to whom it concerns: pages that wait, those who work, the log, the meters.

use fulfill_rules::{
    Millis,
    order::{NOTHING_YET, Status},
};

use crate::{meters::Meters, store::Recorded, wake::Wake};

/// `who`: the person who did it, if it was one.
pub(crate) fn announce(
    (wake, meters): (&Wake, &Meters),
    now: Millis,
    recorded: &Recorded,
    who: Option<&str>,
) {
    wake.looked(recorded.session);
    if recorded.deliveries {
        wake.deliveries();
    }
    if recorded.again {
        wake.work();
    }
    let (session, status) = (&recorded.key, recorded.status.map_or("no order", Status::as_str));
    match &recorded.placed {
        Some(with) => {
            meters.placed(status);
            match recorded.status {
                Some(Status::NeedsAttention) if with == NOTHING_YET => {
                    tracing::info!(%session, status, "checkout session is paid and waits: a person is asked");
                }
                Some(Status::NeedsAttention) => {
                    tracing::info!(%session, status, %with, "fulfilled checkout session in part: a person is asked");
                }
                _ => tracing::info!(%session, status, %with, "fulfilled checkout session"),
            }
        }
        None if !recorded.told.is_empty() => {
            tracing::info!(%session, status, who, "{}", recorded.told.join("; "));
        }
        None => tracing::debug!(%session, status, "looked at"),
    }
    if recorded.fulfilled {
        meters.fulfilled(now - recorded.first_rung_at);
    }
}
