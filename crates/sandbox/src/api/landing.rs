//! Where the buyer lands: the addresses of a session, what follows a link.

use super::shape::{is_url, text};
use crate::{
    error::{Answer, ApiError},
    form::Params,
    state::objects::{Terms, UiMode},
    version::Version,
};

/// Where the buyer lands.
#[derive(Debug, Default)]
pub(super) struct Landing {
    success_url: Option<String>,
    cancel_url: Option<String>,
    return_url: Option<String>,
    ui_mode: Option<UiMode>,
    redirects: Option<&'static str>,
    confirmation_message: Option<String>,
}

impl Landing {
    /// Puts it into the terms.
    pub(super) fn settle(self, terms: &mut Terms) {
        terms.success_url = self.success_url;
        terms.cancel_url = self.cancel_url;
        terms.return_url = self.return_url;
        terms.ui_mode = self.ui_mode.unwrap_or(UiMode::Hosted);
        terms.redirects = self.redirects;
        terms.confirmation_message = self.confirmation_message;
    }
}

const NAMES: [(&str, UiMode); 3] =
    [("hosted", UiMode::Hosted), ("embedded", UiMode::Embedded), ("custom", UiMode::Custom)];
/// What they are called since 2026-03-25.dahlia.
const NAMES_NOW: [(&str, UiMode); 3] = [
    ("hosted_page", UiMode::Hosted),
    ("embedded_page", UiMode::Embedded),
    ("elements", UiMode::Custom),
];

/// A session's. Who names no version may use the names of all.
pub(super) fn of_session(params: &mut Params, version: Option<&Version>) -> Answer<Landing> {
    let old = version.is_none_or(|version| !version.ui_mode_says_page());
    let new = version.is_none_or(Version::ui_mode_says_page);
    let known = NAMES.iter().filter(|_| old).chain(NAMES_NOW.iter().filter(|_| new));
    let ui_mode = match params.text("ui_mode")? {
        None => UiMode::Hosted,
        Some(asked) => {
            let found = known.clone().find(|(name, _)| **name == *asked);
            found.map(|(_, mode)| *mode).ok_or_else(|| {
                let names: Vec<_> = known.map(|(name, _)| *name).collect();
                params.error(
                    "ui_mode",
                    format!("Invalid ui_mode: must be one of {}", names.join(", ")),
                )
            })?
        }
    };
    let success_url = url(params, "success_url")?;
    let cancel_url = url(params, "cancel_url")?;
    let return_url = url(params, "return_url")?;
    let redirects = params.one_of("redirect_on_completion", &["always", "if_required", "never"])?;
    match ui_mode {
        UiMode::Hosted => {
            if return_url.is_some() {
                return Err(wrong_for("return_url", "hosted_page"));
            }
            if redirects.is_some() {
                return Err(wrong_for("redirect_on_completion", "hosted_page"));
            }
            if success_url.is_none() {
                return Err(ApiError::required("success_url"));
            }
        }
        UiMode::Embedded | UiMode::Custom => {
            let name = if ui_mode == UiMode::Custom { "elements" } else { "embedded_page" };
            if success_url.is_some() {
                return Err(wrong_for("success_url", name));
            }
            if cancel_url.is_some() {
                return Err(wrong_for("cancel_url", name));
            }
            match (redirects, &return_url) {
                (Some("never"), Some(_)) => {
                    return Err(ApiError::invalid(
                        "You can not pass `return_url` when `redirect_on_completion` is `never`.",
                    )
                    .param("return_url"));
                }
                (Some("never"), None) | (_, Some(_)) => {}
                (_, None) => return Err(ApiError::required("return_url")),
            }
        }
    }
    Ok(Landing {
        success_url,
        cancel_url,
        return_url,
        ui_mode: Some(ui_mode),
        redirects,
        confirmation_message: None,
    })
}

fn wrong_for(name: &str, ui_mode: &str) -> ApiError {
    ApiError::invalid(format!("You can not pass `{name}` when `ui_mode` is `{ui_mode}`."))
        .param(name)
}

fn url(params: &mut Params, name: &str) -> Answer<Option<String>> {
    let url = params.text(name)?;
    match &url {
        Some(text) if !is_url(text) => Err(params
            .error(name, format!("Not a valid URL: {text}. Write it as https://shop.example/done."))
            .code("url_invalid")),
        _ => Ok(url),
    }
}

/// A link's `after_completion`.
pub(super) fn of_link(params: &mut Params) -> Answer<Landing> {
    let mut landing = Landing::default();
    let Some(mut after) = params.object("after_completion")? else { return Ok(landing) };
    let kind = after.one_of("type", &["hosted_confirmation", "redirect"])?;
    let kind = kind.ok_or_else(|| ApiError::required(&after.path_of("type")))?;
    if let Some(mut redirect) = after.object("redirect")? {
        landing.success_url = url(&mut redirect, "url")?;
        redirect.done()?;
    }
    if let Some(mut confirmation) = after.object("hosted_confirmation")? {
        landing.confirmation_message = text(&mut confirmation, "custom_message", 500)?;
        confirmation.done()?;
    }
    after.done()?;
    match (kind, &landing.success_url) {
        ("redirect", None) => Err(ApiError::required("after_completion[redirect][url]")),
        ("redirect", Some(_)) => Ok(landing),
        _ => Ok(Landing { success_url: None, ..landing }),
    }
}
