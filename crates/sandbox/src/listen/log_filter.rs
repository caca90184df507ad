//! Which requests `stripe logs tail` wants to see.

use serde::Deserialize;

use crate::error::{Answer, ApiError};

/// The filters, as the CLI sends them: JSON, each a list of alternatives; empty lets all through.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct LogFilter {
    filter_http_method: Vec<String>,
    filter_request_path: Vec<String>,
    filter_request_status: Vec<String>,
    filter_source: Vec<String>,
    filter_status_code: Vec<String>,
    filter_status_code_type: Vec<String>,
    filter_ip_address: Vec<String>,
}

impl LogFilter {
    pub(super) fn read(json: Option<&str>) -> Answer<Self> {
        match json {
            None => Ok(Self::default()),
            Some(json) => serde_json::from_str(json)
                .map_err(|_| ApiError::invalid("Invalid filters").param("filters")),
        }
    }

    pub(super) fn wants(&self, method: &str, path: &str, status: u16) -> bool {
        let any = |filters: &[String], fits: &dyn Fn(&str) -> bool| {
            filters.is_empty() || filters.iter().any(|filter| fits(filter))
        };
        any(&self.filter_http_method, &|wanted| wanted.eq_ignore_ascii_case(method))
            && any(&self.filter_request_path, &|wanted| wanted == path)
            && any(&self.filter_request_status, &|wanted| match wanted {
                "SUCCEEDED" => status < 300,
                "FAILED" => status >= 300,
                _ => false,
            })
            && any(&self.filter_source, &|wanted| wanted.eq_ignore_ascii_case("API"))
            && any(&self.filter_status_code, &|wanted| wanted == status.to_string())
            // `4XX` travels as 400.
            && any(&self.filter_status_code_type, &|wanted| {
                wanted.as_bytes().first().map(|digit| u16::from(digit.wrapping_sub(b'0'))) == Some(status / 100)
            })
            && any(&self.filter_ip_address, &|wanted| wanted == "127.0.0.1")
    }
}

#[cfg(test)]
mod tests {
    use super::LogFilter;

    #[test]
    fn filters_narrow_by_each_of_their_lists() {
        let wants = |json: &str, method: &str, path: &str, status: u16| {
            LogFilter::read(Some(json)).unwrap().wants(method, path, status)
        };
        assert!(wants("{}", "GET", "/v1/events", 200));
        let get = r#"{"filter_http_method":["GET","DELETE"],"filter_status_code_type":["400"]}"#;
        assert!(wants(get, "GET", "/v1/events", 404));
        assert!(!wants(get, "POST", "/v1/events", 404));
        assert!(!wants(get, "GET", "/v1/events", 200));
        assert!(!wants(r#"{"filter_request_path":["/v1/prices"]}"#, "GET", "/v1/events", 200));
        assert!(wants(r#"{"filter_request_status":["FAILED"]}"#, "GET", "/v1/events", 500));
        assert!(LogFilter::read(Some("[")).is_err());
    }
}
