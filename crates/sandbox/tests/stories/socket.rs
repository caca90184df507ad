//! The Unix socket, as Stripe's CLI uses it.

use std::path::PathBuf;

use fulfill_sandbox::Sandbox;

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("sandbox-{}-{name}.sock", std::process::id()))
}

#[tokio::test]
async fn the_socket_answers_for_stripes_host_in_plain_http() {
    let path = path("plain");
    let sandbox = Sandbox::builder().port(0).socket(&path).start().await.unwrap();
    let http = reqwest::Client::builder().unix_socket(path.clone()).build().unwrap();
    let events = http.get("http://api.stripe.com/v1/events").bearer_auth(sandbox.secret_key());
    assert_eq!(events.send().await.unwrap().status(), 200);
    drop(http);
    sandbox.shutdown().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_left_behind_is_replaced_and_one_in_use_is_not() {
    let path = path("left");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let sandbox = Sandbox::builder().port(0).socket(&path).start().await.unwrap();
    let second = Sandbox::builder().port(0).socket(&path).start().await.unwrap_err();
    assert!(second.to_string().contains(path.to_str().unwrap()), "{second}");
    sandbox.shutdown().await;
}
