//! Spans reach a collector: a server that speaks OTLP, and reads what it is sent by the protocol's own
//! types.

#![cfg(feature = "otel")]

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use hubbub_runtime::telemetry::{self, LogFormat, LogOutput, MESSAGES, traces};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    let attribute = attributes.iter().find(|attribute| attribute.key == key)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_and_the_steps_of_events_are_exported() {
    let (heard, mut requests) = mpsc::unbounded_channel();
    let collector = Router::new().route(
        "/v1/traces",
        post(async move |headers: HeaderMap, body: Bytes| {
            let kind = headers.get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
            let request = ExportTraceServiceRequest::decode(body).expect("OTLP");
            heard.send((kind, request)).unwrap();
            (StatusCode::OK, ExportTraceServiceResponse::default().encode_to_vec())
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, collector).await });

    telemetry::log_to("warn", LogFormat::Json, LogOutput::Stderr, Some(&endpoint)).unwrap();
    let request = tracing::info_span!("http", request_id = "r-1", route = "/api/v1/rooms");
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap();
    traces::adopt(&request, &HeaderMap::from_iter([("traceparent".parse().unwrap(), parent)]));
    request.in_scope(|| {
        tracing::debug_span!(target: MESSAGES, "commit", message_id = "m-1").in_scope(|| {});
        tracing::debug_span!(target: "hyper", "noise").in_scope(|| {});
    });
    drop(request);
    traces::finish().await;

    let (kind, request) = requests.recv().await.unwrap();
    assert_eq!(kind.as_deref(), Some("application/x-protobuf"));
    let resource = request.resource_spans[0].resource.clone().unwrap();
    assert!(
        text(&resource.attributes, "service.name").is_some_and(|name| name.starts_with("otel"))
    );
    let spans: Vec<&Span> =
        request.resource_spans[0].scope_spans.iter().flat_map(|scope| &scope.spans).collect();
    let of = |name: &str| *spans.iter().find(|span| span.name == name).unwrap();
    let (http, commit) = (of("http"), of("commit"));
    assert_eq!(text(&http.attributes, "request_id"), Some("r-1"));
    assert_eq!(text(&commit.attributes, "message_id"), Some("m-1"));
    assert_eq!(commit.parent_span_id, http.span_id);
    let trace: String = http.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(trace, "0af7651916cd43dd8448eb211c80319c", "it goes on in the caller's trace");
    assert!(spans.iter().all(|span| span.name != "noise"));
}
