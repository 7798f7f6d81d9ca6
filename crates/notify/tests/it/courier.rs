//! What happens at the other end: receivers that answer, refuse, redirect, hang, drip, break off and rebind.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use docharbor_domain::{SubscriptionProtocol, Timestamp};
use docharbor_notify::{Courier, CourierSettings, Endpoint, Failure, Line, Outgoing, Resolver};

use crate::receiver::{Authority, Behaviour, Receiver};

/// A courier that may call a receiver on the loopback, and believes its authority.
fn courier(receiver: &Receiver, authority: &Authority) -> Courier {
    let allow = format!("localhost:{}", receiver.port());
    Courier::new(CourierSettings {
        allow: vec![allow.parse().unwrap()],
        ca_pem: Some(authority.pem()),
        ..CourierSettings::default()
    })
    .unwrap()
}

fn endpoint(receiver: &Receiver) -> Endpoint {
    let url = format!("https://localhost:{}/hook?x=1", receiver.port());
    Endpoint::parse(&url, SubscriptionProtocol::Https).unwrap()
}

async fn send(line: &mut Line) -> Result<(), Failure> {
    line.send(&Outgoing {
        message_type: "Notification",
        message_id: "id-1",
        topic_arn: "arn:topic",
        subscription_arn: Some("arn:topic:sub"),
        body: "{\"a\":1}",
        now: Timestamp::from_millis(0),
    })
    .await
}

#[tokio::test]
async fn a_message_arrives_with_the_headers_of_sns_over_one_connection() {
    let authority = Authority::new();
    let receiver = Receiver::start(&authority, Behaviour::Answer(200)).await;
    let mut line = courier(&receiver, &authority).line(endpoint(&receiver));
    for _ in 0..3 {
        send(&mut line).await.unwrap();
    }
    assert_eq!(receiver.connections(), 1);
    let requests = receiver.requests();
    assert_eq!(requests.len(), 3);
    let request = requests[0].to_ascii_lowercase();
    assert!(request.starts_with("post /hook?x=1 http/1.1\r\n"), "{request}");
    for header in [
        format!("host: localhost:{}", receiver.port()),
        "content-type: text/plain; charset=utf-8".to_owned(),
        "x-amz-sns-message-type: notification".to_owned(),
        "x-amz-sns-message-id: id-1".to_owned(),
        "x-amz-sns-topic-arn: arn:topic".to_owned(),
        "x-amz-sns-subscription-arn: arn:topic:sub".to_owned(),
        "user-agent: amazon simple notification service agent".to_owned(),
    ] {
        assert!(request.contains(&header), "{header} is not in {request}");
    }
    assert!(request.ends_with("\r\n\r\n{\"a\":1}"), "{request}");
}

#[tokio::test]
async fn only_success_counts_and_no_redirect_is_followed() {
    let authority = Authority::new();
    for (status, outcome) in [
        (204, Ok(())),
        (302, Err(Failure::Redirected(302))),
        (307, Err(Failure::Redirected(307))),
        (404, Err(Failure::Status(404))),
        (500, Err(Failure::Status(500))),
    ] {
        let receiver = Receiver::start(&authority, Behaviour::Answer(status)).await;
        let mut line = courier(&receiver, &authority).line(endpoint(&receiver));
        assert_eq!(send(&mut line).await, outcome);
        assert_eq!(receiver.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_receiver_that_hangs_or_drips_is_given_up() {
    let authority = Authority::new();
    for behaviour in [Behaviour::HangAfterOne, Behaviour::DripAfterOne] {
        let receiver = Receiver::start(&authority, behaviour).await;
        let mut line = courier(&receiver, &authority).line(endpoint(&receiver));
        send(&mut line).await.unwrap();
        // From here on time passes whenever nobody has anything to do.
        tokio::time::pause();
        assert_eq!(send(&mut line).await, Err(Failure::TimedOut));
        tokio::time::resume();
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let authority = Authority::new();
    let receiver = Receiver::start(&authority, Behaviour::Endless).await;
    let mut line = courier(&receiver, &authority).line(endpoint(&receiver));
    send(&mut line).await.unwrap();
    send(&mut line).await.unwrap();
    assert_eq!(receiver.connections(), 2);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_none_and_the_message_is_not_sent_twice_for_it() {
    let authority = Authority::new();
    let receiver = Receiver::start(&authority, Behaviour::CutOffAfterOne).await;
    let mut line = courier(&receiver, &authority).line(endpoint(&receiver));
    send(&mut line).await.unwrap();
    assert_eq!(send(&mut line).await, Err(Failure::Broken));
    assert_eq!(receiver.requests().len(), 2);
    send(&mut line).await.unwrap();
    assert_eq!(receiver.connections(), 2);
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_made_anew() {
    let authority = Authority::new();
    let receiver = Receiver::start(&authority, Behaviour::CloseAfterEach).await;
    let mut line = courier(&receiver, &authority).line(endpoint(&receiver));
    for _ in 0..3 {
        send(&mut line).await.unwrap();
    }
    assert_eq!(receiver.requests().len(), 3);
}

#[tokio::test]
async fn a_certificate_of_nobody_known_or_for_another_name_is_refused() {
    let authority = Authority::new();
    let receiver = Receiver::start(&authority, Behaviour::Answer(200)).await;
    let mut line = courier(&receiver, &Authority::new()).line(endpoint(&receiver));
    assert_eq!(send(&mut line).await, Err(Failure::Tls));
    let url = format!("https://127.0.0.1:{}/", receiver.port());
    let by_address = Endpoint::parse(&url, SubscriptionProtocol::Https).unwrap();
    let settings = CourierSettings {
        allow: vec![format!("127.0.0.0/8:{}", receiver.port()).parse().unwrap()],
        ca_pem: Some(authority.pem()),
        ..CourierSettings::default()
    };
    let mut line = Courier::new(settings).unwrap().line(by_address);
    assert_eq!(send(&mut line).await, Err(Failure::Tls));
    assert!(receiver.requests().is_empty());
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_the_next_time_leads_nowhere() {
    let authority = Authority::new();
    let receiver = Receiver::start(&authority, Behaviour::Answer(200)).await;
    let port = receiver.port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    // A public address for whoever looks first, and the loopback from then on.
    let resolver: Resolver = Arc::new(move |_, _| {
        let first = count.fetch_add(1, Ordering::Relaxed) == 0;
        let ip = if first { [93, 184, 216, 34] } else { [127, 0, 0, 1] };
        Box::pin(async move { Ok(vec![SocketAddr::from((ip, port))]) })
    });
    let settings = CourierSettings { ca_pem: Some(authority.pem()), ..CourierSettings::default() };
    let courier = Courier::with_resolver(settings, resolver).unwrap();
    let hook = Endpoint::parse("https://rebind.example/", SubscriptionProtocol::Https).unwrap();
    assert_eq!(courier.check(&hook).await, Ok(()));
    let refused = send(&mut courier.line(hook)).await.unwrap_err();
    assert!(matches!(refused, Failure::NotAllowed(_)), "{refused}");
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn one_bad_address_among_good_ones_forbids_all() {
    let resolver: Resolver = Arc::new(|_, _| {
        let good = SocketAddr::from(([93, 184, 216, 34], 443));
        let bad = SocketAddr::from(([169, 254, 169, 254], 443));
        Box::pin(async move { Ok(vec![good, bad]) })
    });
    let courier = Courier::with_resolver(CourierSettings::default(), resolver).unwrap();
    let hook = Endpoint::parse("https://both.example/", SubscriptionProtocol::Https).unwrap();
    assert!(matches!(courier.check(&hook).await, Err(Failure::NotAllowed(_))));
}

#[tokio::test]
async fn a_file_without_certificates_is_no_authority() {
    for pem in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let settings =
            CourierSettings { ca_pem: Some(pem.to_owned()), ..CourierSettings::default() };
        assert!(Courier::new(settings).is_err(), "{pem}");
    }
}
