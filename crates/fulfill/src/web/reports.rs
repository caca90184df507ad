//! Reports as downloads. They go out part by part, as fast as they are taken: nothing is held open or
//! kept in memory for a client that is slow.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderName, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{
    Web,
    api::{Problem, parameters},
};
use crate::reports::{Csv, Period, Report, ReportError};

/// `GET /api/reports/{orders|lines|stock}.csv`, with `from` and `until`.
pub(super) async fn csv(
    State(web): State<Arc<Web>>,
    Path(file): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let Some(report) = file.strip_suffix(".csv").and_then(Report::named) else {
        let known = Report::ALL.map(|report| format!("{}.csv", report.name())).join(", ");
        return Err(Problem::not_found(format!("there is no report '{file}', only {known}")));
    };
    let given = parameters(&uri, &["from", "until"])?;
    let end = |name: &str| given.get(name).map(String::as_str);
    let period = Period::between(end("from"), end("until"), &web.brand.zone())
        .map_err(|mistake| Problem::invalid(mistake.to_string()))?;
    Ok(download(report, Csv::new(web.store.clone(), report, period)).await?)
}

/// The answer that is a report. It begins once the first part was read; where a later one cannot be,
/// the connection breaks off, so that nobody takes what came for the whole.
///
/// # Errors
/// When the first part cannot be read.
pub(super) async fn download(report: Report, mut csv: Csv) -> Result<Response, ReportError> {
    let first = csv.next().await?;
    let rest =
        stream::try_unfold(
            csv,
            |mut csv| async move { Ok(csv.next().await?.map(|part| (part, csv))) },
        );
    let all = stream::iter(first.map(Ok)).chain(rest).inspect_err(|error: &ReportError| {
        tracing::error!(%error, "a report broke off in the middle");
    });
    let name = format!("attachment; filename=\"{}.csv\"", report.name());
    let headers: [(HeaderName, &str); 2] = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, &name),
    ];
    Ok((StatusCode::OK, headers, Body::from_stream(all)).into_response())
}

impl From<ReportError> for Problem {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Store(error) => error.into(),
            ReportError::Row(error) => {
                tracing::error!(%error, "a report could not be written");
                let message = "the report could not be written; the log has the cause";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
            }
        }
    }
}
