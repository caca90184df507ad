//! The merchant's pages.

mod acts;
mod sign_in;
mod todo;

use fulfill::Builder;
use reqwest::{Method, RequestBuilder};

use crate::bench::{Answer, Site, send};

const PASSWORD: &str = "correct horse battery";

/// A browser that is signed in.
pub(crate) struct Merchant<'a> {
    pub(crate) site: &'a Site,
    pub(crate) cookie: String,
}

impl<'a> Merchant<'a> {
    /// Ann, whom nobody had to invite.
    pub(crate) async fn ann(site: &'a Site) -> Self {
        site.fulfill.add_person("ann", PASSWORD).await.unwrap();
        Self::sign_in(site, "ann", PASSWORD).await
    }

    pub(crate) async fn sign_in(site: &'a Site, name: &str, password: &str) -> Self {
        let answer = try_to_sign_in(site, name, password).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/dashboard"));
        Self { site, cookie: cookie(&answer) }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let path = format!("/dashboard{path}");
        self.site.request(method, &path).header("cookie", &self.cookie)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    /// A page that must be there.
    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.text
    }

    /// What the forms of this login carry.
    pub(crate) async fn csrf(&self) -> String {
        let page = self.page("/people").await;
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }

    /// Sends a form of ours.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf().await;
        let fields = [&[("csrf", csrf.as_str())], fields].concat();
        let request = self.request(Method::POST, path).header("origin", &self.site.url);
        send(request.form(&fields)).await
    }
}

pub(crate) async fn try_to_sign_in(site: &Site, name: &str, password: &str) -> Answer {
    let request = site.request(Method::POST, "/dashboard/sign-in").header("origin", &site.url);
    send(request.form(&[("name", name), ("password", password)])).await
}

/// Name and value of the cookie that was set.
pub(crate) fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

pub(crate) async fn idle() -> Site {
    Site::idle(|builder: Builder| builder).await
}
