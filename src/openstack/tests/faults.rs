//! What is sent again, what is not, and what a reply may do.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::openstack::catalog::Service;
use crate::openstack::cloud::Call;
use crate::openstack::error::Error;

fn busy(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
}

fn post() -> Call {
    Call::post(Service::Identity, "/things", json!({}))
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    // Status, Retry-After, method; how often it is sent if it is busy twice.
    let cases = [
        (429, None, "GET", 3),
        (429, None, "POST", 3),
        (502, None, "GET", 3),
        (503, None, "GET", 3),
        (504, None, "DELETE", 3),
        (503, None, "PATCH", 3),
        (503, Some("0"), "POST", 3),
        (503, None, "POST", 1),
        (502, None, "POST", 1),
        (504, Some("0"), "POST", 1),
        (500, None, "GET", 1),
        (409, None, "PUT", 1),
    ];
    for (status, after, verb, sent) in cases {
        let keystone = Keystone::start().await;
        let mut answer = busy(status);
        if let Some(after) = after {
            answer = answer.insert_header("retry-after", after);
        }
        keystone.first(2, verb, "/v3/things", answer).await;
        keystone.on(verb, "/v3/things", ok(json!({}))).await;
        let verb = reqwest::Method::from_bytes(verb.as_bytes()).unwrap();
        let result = keystone.cloud().send(Call::new(verb.clone(), Service::Identity, "/things")).await;
        assert_eq!(result.is_ok(), sent == 3, "{verb} {status}");
        assert_eq!(keystone.calls(verb.as_str(), "/v3/things").await, sent, "{verb} {status} {after:?}");
    }
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    for after in ["1", "Sun, 22 Nov 2026 10:00:01 GMT"] {
        let keystone = Keystone::start().await;
        let answer = busy(429)
            .insert_header("retry-after", after)
            .insert_header("date", "Sun, 22 Nov 2026 10:00:00 GMT");
        keystone.first(1, "GET", "/v3/things", answer).await;
        keystone.on("GET", "/v3/things", ok(json!({}))).await;
        let started = Instant::now();
        keystone.cloud().send(Call::get(Service::Identity, "/things")).await.unwrap();
        let spent = started.elapsed();
        assert!(spent >= Duration::from_secs(1) && spent < Duration::from_secs(3), "{after} {spent:?}");
    }
}

#[tokio::test]
async fn tries_are_counted() {
    let keystone = Keystone::start().await;
    keystone.on("GET", "/v3/things", busy(503)).await;
    let cloud = cloud(Settings { max_retries: Some(3), ..keystone.settings() });
    let why = cloud.send(Call::get(Service::Identity, "/things")).await.err().unwrap();
    assert_eq!((why.status(), cloud.requests()["GET /v3/things"]), (Some(503), 4));
}

/// Serves so many requests, refuses the next one, and so on.
struct Limited {
    asked: AtomicUsize,
    every: usize,
}

impl Respond for Limited {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        match (self.asked.fetch_add(1, Ordering::SeqCst) + 1) % self.every {
            0 => busy(429),
            _ => ok(json!({})),
        }
    }
}

#[tokio::test]
async fn a_service_that_is_busy_is_asked_more_slowly() {
    let keystone = Keystone::start().await;
    // Of three requests one is refused: with two tries each a tenth would fail.
    let limited = Limited { asked: AtomicUsize::new(0), every: 3 };
    keystone.on("GET", "/v3/things", limited).await;
    let cloud = cloud(Settings { max_retries: Some(1), ..keystone.settings() });
    let calls = (0..100).map(|_| cloud.send(Call::get(Service::Identity, "/things")));
    assert!(futures_util::future::join_all(calls).await.iter().all(Result::is_ok));
    // One that serves nobody is an error in the end.
    keystone.on("GET", "/v3/nothing", busy(429)).await;
    let why = cloud.send(Call::get(Service::Identity, "/nothing")).await.err().unwrap();
    assert_eq!((why.status(), cloud.requests()["GET /v3/nothing"]), (Some(429), 2));
}

#[tokio::test]
async fn all_wait_for_what_one_was_told() {
    let keystone = Keystone::start().await;
    keystone.first(1, "GET", "/v3/things", busy(429).insert_header("retry-after", "1")).await;
    keystone.on("GET", "/v3/things", ok(json!({}))).await;
    let cloud = cloud(Settings { max_concurrent_requests: Some(4), ..keystone.settings() });
    cloud.login().await.unwrap();
    let call = || cloud.send(Call::get(Service::Identity, "/things"));
    let started = Instant::now();
    let later = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        call().await
    };
    let (one, other) = tokio::join!(call(), later);
    assert!(one.is_ok() && other.is_ok() && started.elapsed() >= Duration::from_secs(1));
    assert_eq!(keystone.calls("GET", "/v3/things").await, 3);
}

/// A server that logs in, and breaks the first connections on which anything else is asked.
async fn breaking(times: usize) -> (String, std::sync::Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v3", listener.local_addr().unwrap());
    let asked = std::sync::Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let counter = counter.clone();
            tokio::spawn(async move {
                let mut buffer = vec![0; 65536];
                while let Ok(n @ 1..) = stream.read(&mut buffer).await {
                    let request = String::from_utf8_lossy(&buffer[..n]).into_owned();
                    let body = if request.contains("/auth/tokens") {
                        token(json!([])).to_string()
                    } else if counter.fetch_add(1, Ordering::SeqCst) < times {
                        return;
                    } else {
                        "{}".to_owned()
                    };
                    let head = format!(
                        "HTTP/1.1 201 Created\r\nx-subject-token: t\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                        body.len()
                    );
                    if stream.write_all((head + &body).as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (url, asked)
}

#[tokio::test]
async fn a_broken_connection_repeats_only_what_may_be_repeated() {
    let settings = |url: String| Settings {
        auth_url: Some(url),
        username: Some("u".into()),
        password: Some("hush".into()),
        ..Default::default()
    };
    let (url, asked) = breaking(2).await;
    cloud(settings(url)).send(Call::get(Service::Identity, "/things")).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 3);

    let (url, asked) = breaking(2).await;
    let why = cloud(settings(url)).send(post()).await.err().unwrap();
    assert!(matches!(why, Error::Broken { .. }) && why.is_reply_lost(), "{why:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 1, "the first may have been carried out");
}

#[tokio::test]
async fn no_reply_in_time() {
    let keystone = Keystone::start().await;
    keystone.on("GET", "/v3/things", ok(json!({})).set_delay(Duration::from_secs(5))).await;
    let settings = Settings { request_timeout: Some(Duration::from_millis(300)), ..keystone.settings() };
    let why = cloud(settings).send(Call::get(Service::Identity, "/things")).await.err().unwrap();
    assert!(matches!(why, Error::Timeout { .. }), "{why:?}");
}

#[tokio::test]
async fn a_redirect_is_refused_and_the_token_stays() {
    let elsewhere = MockServer::start().await;
    let keystone = Keystone::start().await;
    let target = format!("{}/v3/projects/p", elsewhere.uri());
    for status in [301, 302, 307, 308] {
        keystone
            .first(
                1,
                "GET",
                "/v3/projects/p",
                ResponseTemplate::new(status).insert_header("location", target.as_str()),
            )
            .await;
        let why = keystone.cloud().projects().get_opt("p").await.unwrap_err();
        assert!(matches!(&why, Error::Redirect { to, .. } if *to == target), "{why:?}");
    }
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn ids_stay_ids() {
    let keystone = Keystone::start().await;
    keystone.on("GET", "/v3/projects/..%2Fx", ok(json!({"project": project("p", "odd")}))).await;
    keystone.on("GET", "/v3/projects/a%3Fb=c%23d", ok(json!({"project": project("p", "odd")}))).await;
    let cloud = keystone.cloud();
    for id in ["../x", "a?b=c#d"] {
        assert_eq!(cloud.projects().get(id).await.unwrap().name, "odd");
    }
    for id in ["", ".", "..", "a\nb"] {
        let why = cloud.projects().get_opt(id).await.unwrap_err();
        assert!(matches!(why, Error::BadId { .. }), "{id}: {why}");
    }
}

#[tokio::test]
async fn odd_bodies_are_errors() {
    let keystone = Keystone::start().await;
    let bodies = [
        "",
        "[]",
        "{}",
        "null",
        "<html>",
        "{\"project\": []}",
        "{\"project\": {\"id\": 1}}",
        "{\"project\":",
    ];
    for body in bodies {
        keystone.first(1, "GET", "/v3/projects/p", ResponseTemplate::new(200).set_body_string(body)).await;
        let why = keystone.cloud().projects().get_opt("p").await.unwrap_err();
        assert!(matches!(why, Error::OddBody { .. }), "{body}: {why}");
    }
}

#[tokio::test]
async fn no_more_than_so_many_at_once() {
    let keystone = Keystone::start().await;
    keystone.on("GET", "/v3/things", ok(json!({})).set_delay(Duration::from_millis(100))).await;
    let cloud = cloud(Settings { max_concurrent_requests: Some(2), ..keystone.settings() });
    cloud.login().await.unwrap();
    let started = Instant::now();
    let calls = (0..6).map(|_| cloud.send(Call::get(Service::Identity, "/things")));
    futures_util::future::join_all(calls).await;
    assert!(started.elapsed() >= Duration::from_millis(300));
}
