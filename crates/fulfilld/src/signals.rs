//! SIGTERM and Ctrl-C: the first one asks for a gentle stop, the second one ends at once.

use tokio_util::sync::CancellationToken;

/// Cancelled at the first signal.
pub(crate) fn listen() -> anyhow::Result<CancellationToken> {
    let asked = CancellationToken::new();
    let token = asked.clone();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut term, mut int) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = term.recv() => {}
                    _ = int.recv() => {}
                }
                again(&token);
            }
        });
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            again(&token);
        }
    });
    Ok(asked)
}

fn again(token: &CancellationToken) {
    if token.is_cancelled() {
        eprintln!("fulfilld: ended at once; what was under way is taken up at the next start");
        std::process::exit(130);
    }
    token.cancel();
}
