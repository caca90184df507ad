//! Reports to download.

use askama::Template;
use axum::{Extension, extract::Path, http::StatusCode, response::Response};

use super::{
    Desk, In, State,
    frame::{Frame, Visit, page},
    words::sentence,
};
use crate::{
    reports::{Csv, Period, Report, ReportError},
    web::reports::download,
};

#[derive(Template)]
#[template(path = "dashboard/reports.html")]
struct Page {
    f: Frame,
    from: String,
    until: String,
    wrong: Option<String>,
}

/// `GET /dashboard/reports`.
pub(super) async fn show(Extension(visit): In) -> Response {
    shown(&visit, StatusCode::OK, None)
}

fn shown(visit: &Visit, status: StatusCode, wrong: Option<String>) -> Response {
    let (from, until) = (visit.query.get("from").to_owned(), visit.query.get("until").to_owned());
    page(status, &Page { f: visit.frame("Reports", "reports"), from, until, wrong })
}

/// `GET /dashboard/reports/{orders|lines|stock}.csv`, with `from` and `until`.
pub(super) async fn csv(
    axum::extract::State(desk): State,
    Extension(visit): In,
    Path(file): Path<String>,
) -> Response {
    let Some(report) = file.strip_suffix(".csv").and_then(Report::named) else {
        return visit.sentence(StatusCode::NOT_FOUND, "Not found", "There is no such report.");
    };
    let end = |name| Some(visit.query.get(name)).filter(|day| !day.is_empty());
    match Period::between(end("from"), end("until"), &desk.web.brand.zone()) {
        Ok(period) => sent(&desk, &visit, report, period).await,
        Err(mistake) => {
            shown(&visit, StatusCode::BAD_REQUEST, Some(sentence(&mistake.to_string())))
        }
    }
}

async fn sent(desk: &Desk, visit: &Visit, report: Report, period: Period) -> Response {
    let csv = Csv::new(desk.web.store.clone(), report, period).for_spreadsheets();
    match download(report, csv).await {
        Ok(response) => {
            tracing::info!(who = visit.who(), report = report.name(), "a report was downloaded");
            response
        }
        Err(ReportError::Store(error)) => desk.trouble(visit, &error),
        Err(error) => {
            tracing::error!(%error, "a report could not be written");
            visit.sentence(
                StatusCode::INTERNAL_SERVER_ERROR,
                "That did not work",
                "The report could not be written. The log has the cause.",
            )
        }
    }
}
