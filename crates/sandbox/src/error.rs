//! What goes wrong, in Stripe's shape.

use serde_json::{Map, Value, json};

/// An error as the API answers it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) code: Option<&'static str>,
    pub(crate) param: Option<String>,
    pub(crate) message: String,
    /// Further members of the error, as `decline_code` and `payment_intent`.
    pub(crate) more: Option<Box<Map<String, Value>>>,
}

/// A handler's answer.
pub(crate) type Answer<T = Value> = Result<T, ApiError>;

impl ApiError {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            kind: "invalid_request_error",
            code: None,
            param: None,
            message: message.into(),
            more: None,
        }
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    pub(crate) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub(crate) fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// One more member, as `decline_code` or `payment_intent`.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.more.get_or_insert_default().insert(name.to_owned(), value);
        self
    }

    /// 404: nothing of this kind has that id.
    pub(crate) fn missing(what: &str, id: &str, param: &str) -> Self {
        Self::invalid(format!("No such {what}: '{id}'"))
            .status(404)
            .code("resource_missing")
            .param(param)
    }

    /// 404: no such path.
    pub(crate) fn no_route(method: &str, path: &str) -> Self {
        let why = if path.trim_start_matches('/').split('/').any(str::is_empty)
            || path.starts_with("//")
        {
            "A part of it is empty: leave out the slash too many, or put in the id that is missing."
        } else {
            "The sandbox has no such call, or it takes another method."
        };
        Self::invalid(format!("Unrecognized request URL ({method}: {path}). {why}")).status(404)
    }

    pub(crate) fn required(param: &str) -> Self {
        Self::invalid(format!("Missing required param: {param}."))
            .code("parameter_missing")
            .param(param)
    }

    /// 403: the restricted key lacks `permission`.
    pub(crate) fn forbidden(key: &str, permission: &str) -> Self {
        Self::invalid(format!("The provided key '{}' does not have the required permissions for this endpoint. Having the '{permission}' permission would allow this request to continue.", masked(key)))
            .status(403)
            .code("more_permissions_required")
    }

    /// 401: no key, or none that the sandbox takes.
    pub(crate) fn unauthorized(key: Option<&str>) -> Self {
        let message = match key {
            None => "You did not provide an API key. Put it into the Authorization header, as 'Authorization: Bearer sk_test_…', or as the user name of basic auth.".to_owned(),
            Some(key) => format!("Invalid API Key provided: {}. The sandbox takes any key that starts with sk_test_ or rk_test_.", masked(key)),
        };
        Self::invalid(message).status(401)
    }

    pub(crate) fn body(&self, request_id: &str) -> Value {
        let mut error = Map::new();
        if let Some(code) = self.code {
            error.insert("code".into(), code.into());
            error.insert(
                "doc_url".into(),
                format!("https://docs.stripe.com/error-codes#{code}").into(),
            );
        }
        error.insert("message".into(), self.message.as_str().into());
        if let Some(param) = &self.param {
            error.insert("param".into(), param.as_str().into());
        }
        error.insert(
            "request_log_url".into(),
            format!("https://dashboard.stripe.com/test/logs/{request_id}").into(),
        );
        error.insert("type".into(), self.kind.into());
        error.extend(self.more.iter().flat_map(|more| (**more).clone()));
        json!({ "error": error })
    }
}

/// Enough of a key to recognize it by.
pub(crate) fn masked(key: &str) -> String {
    let shown: String = key.chars().take(8).collect();
    let tail: String = key.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect();
    if key.chars().count() > 16 { format!("{shown}****{tail}") } else { format!("{shown}****") }
}
