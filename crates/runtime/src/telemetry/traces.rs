//! OpenTelemetry traces, in builds with the feature `otel`.
//!
//! Configured by the standard variables: `OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`) turns them
//! on, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER` and `…_ARG` mean what the
//! specification says. Spans go to a collector over OTLP with HTTP and protobuf, without TLS: it belongs on
//! the same machine or in the same pod.
//!
//! Spans hold what log lines hold: never message texts, tokens or passwords.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use axum::http::HeaderMap;
use bytes::Bytes;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::Span;
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use super::TelemetryError;

/// Which spans are exported: requests, and the steps of single events.
const SPANS: &str = "info,hubbub::message=debug";
/// How long the collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The standard variables, the more particular one first.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
/// Where below the general endpoint traces go.
const TRACES: &str = "/v1/traces";

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// The collector that the environment names, if it does.
pub(super) fn endpoint() -> Option<String> {
    let named = |variable| std::env::var(variable).ok().filter(|value| !value.is_empty());
    let [particular, general] = ENDPOINTS;
    named(particular)
        .or_else(|| named(general).map(|base| base.trim_end_matches('/').to_owned() + TRACES))
}

/// Exports spans to a collector, from within a runtime.
pub(super) fn layer<S>(endpoint: &str) -> Result<impl Layer<S> + use<S>, TelemetryError>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let failed = |error: &dyn std::fmt::Display| TelemetryError::Traces(error.to_string());
    let client = HyperClient::with_default_connector(PATIENCE, None);
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(OnRuntime { client: Arc::new(client), runtime: Handle::current() })
        .with_endpoint(endpoint)
        .build()
        .map_err(|error| failed(&error))?;
    let mut resource = Resource::builder();
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        let program = std::env::current_exe().ok();
        let name = program.as_deref().and_then(|path| path.file_stem()?.to_str());
        resource = resource.with_service_name(name.unwrap_or("hubbub").to_owned());
    }
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource.build())
        .build();
    let tracer = PROVIDER.get_or_init(|| provider).tracer("hubbub");
    let filter = EnvFilter::builder().parse(SPANS).map_err(|error| failed(&error))?;
    Ok(tracing_opentelemetry::layer().with_tracer(tracer).with_filter(filter))
}

/// Makes a request's span the child of the span that its headers name, if they do (W3C Trace Context).
pub fn adopt(span: &Span, headers: &HeaderMap) {
    let context = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    // Without a collector there is no context to put it in.
    let _ = span.set_parent(context);
}

/// Hands over what waits to be exported. The last thing a process does.
pub async fn finish() {
    let Some(provider) = PROVIDER.get() else { return };
    // It waits for the exporter's own thread, which waits for this runtime.
    let ended = tokio::task::spawn_blocking(|| provider.shutdown_with_timeout(PATIENCE)).await;
    if let Ok(Err(error)) = ended {
        tracing::warn!(%error, "the last spans are lost");
    }
}

/// Sends from the runtime: the exporter has a thread of its own, where no connection can be driven.
struct OnRuntime {
    client: Arc<HyperClient>,
    runtime: Handle,
}

impl std::fmt::Debug for OnRuntime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnRuntime")
    }
}

#[async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = Arc::clone(&self.client);
        self.runtime.spawn(async move { client.send_bytes(request).await }).await?
    }
}
