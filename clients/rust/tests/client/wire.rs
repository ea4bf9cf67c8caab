//! Tests of the plain WebSocket that the gateway's tests use.

use crate::gateway::{Gateway, Served, degraded};
use serde_json::json;
use stagedoor_client::proto::{Command, PostponeRenewal, ServerMessage};
use stagedoor_client::{Frame, SocketClose, Wire, WireError};
use tokio_tungstenite::tungstenite::Message;

async fn wired(gateway: &Gateway) -> (Wire, Served) {
    let url = gateway.url();
    let headers = [("Origin", "https://example.org")];
    let (wire, served) = tokio::join!(Wire::connect(&url, &headers), gateway.accept());
    (wire.expect("a socket"), served)
}

#[tokio::test]
async fn each_kind_of_frame_goes_out_as_it_is() {
    let gateway = Gateway::bind().await;
    let (mut wire, mut served) = wired(&gateway).await;
    wire.send_text("not json").await.unwrap();
    wire.send_binary([1, 2]).await.unwrap();
    wire.send_json(&json!({ "a": 1 })).await.unwrap();
    wire.request(5, Command::PostponeRenewal(PostponeRenewal {})).await.unwrap();
    // A raw frame: final, text, masked with zeros, two bytes.
    wire.send_raw(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']).await.unwrap();
    for expected in [
        Message::text("not json"),
        Message::binary(vec![1, 2]),
        Message::text(r#"{"a":1}"#),
        Message::text(r#"{"id":5,"postpone_renewal":{}}"#),
        Message::text("hi"),
    ] {
        assert_eq!(served.frame().await, Some(expected));
    }
}

#[tokio::test]
async fn each_kind_of_frame_is_decoded() {
    let gateway = Gateway::bind().await;
    let (mut wire, mut served) = wired(&gateway).await;
    served.send_text("plain").await;
    served.send_text("not a message").await;
    served.send(degraded(4)).await;
    served.close(4500, "malformed").await;
    assert_eq!(wire.recv().await, Frame::Text("plain".to_owned()));
    assert!(matches!(wire.recv_message().await, Err(WireError::Malformed { .. })));
    assert!(matches!(wire.recv_message().await, Ok(ServerMessage::Push { seq: 4, .. })));
    assert_eq!(wire.recv().await, Frame::Close(4500, "malformed".to_owned()));
    drop(served);
    assert_eq!(wire.recv().await, Frame::Lost);
}

#[tokio::test]
async fn a_cut_ends_the_connection_without_a_close_frame() {
    for how in [SocketClose::Fin, SocketClose::Reset] {
        let gateway = Gateway::bind().await;
        let (wire, mut served) = wired(&gateway).await;
        wire.cut(how).await;
        assert_eq!(served.frame().await, None, "{how:?}");
    }
}

#[tokio::test]
async fn lost_gateway_differs_from_closing_gateway() {
    let gateway = Gateway::bind().await;
    let (mut wire, served) = wired(&gateway).await;
    drop(served);
    assert_eq!(wire.recv().await, Frame::Lost);
}
