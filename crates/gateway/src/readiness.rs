//! Whether this node should get clients, and why not (P5: a green but deaf node is the worst).

use std::sync::Arc;
use std::time::{Duration, Instant};

use hubbub_runtime::health::Health;
use metrics::gauge;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::metric::Metric;
use crate::socket::Sockets;

/// How often the parts are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How old the last probe that came back through the subscription may be.
const PROBE_AGE_MAX: Duration = Duration::from_secs(10);
/// How long the store may take to answer.
const PING_MAX: Duration = Duration::from_secs(3);
/// Words of checks that fail.
const SILENT: &str = "no answer in time";
const DEAF: &str = "no probe came back through the subscription lately";

/// Reports on bus, store and drain until the node stops.
pub async fn watch(sockets: Arc<Sockets>, health: Health) {
    let subscriber = health.check("subscriber");
    let store = health.check("store");
    let drain = health.check("drain");
    let begun = Instant::now();
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = sockets.leaving.cancelled() => {
                drain.not_ready("this node is leaving");
                looks.tick().await;
            }
        }
        let app = &sockets.app;
        let age = app.bus.probe_age();
        let hears = age.is_some_and(|age| age <= PROBE_AGE_MAX);
        gauge!(Metric::ProbeAge.name()).set(age.unwrap_or_else(|| begun.elapsed()));
        subscriber.report((!hears).then(|| DEAF.to_owned()));
        store.report(match timeout(PING_MAX, app.store.ping()).await {
            Ok(answer) => answer.err().map(|error| error.to_string()),
            Err(_) => Some(SILENT.to_owned()),
        });
        let leaving = sockets.leaving.is_cancelled();
        gauge!(Metric::Draining.name()).set(f64::from(u8::from(leaving)));
        if !leaving {
            drain.ready();
        }
    }
}
