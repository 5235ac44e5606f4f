//! Settings that the bus refuses.

use hubbub_bus::redis::SafetyError;

use crate::backend::{Backend, Tuning};

pub(crate) async fn an_evicting_redis_is_refused(backend: &Backend) {
    let bus = backend.connect("a", Tuning::default()).await.unwrap();
    let servers = backend.servers();
    let last = servers.last().unwrap();
    last.cli(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    let Err(SafetyError::Unsafe(error)) = bus.check_safety().await else {
        panic!("messages may be evicted")
    };
    assert!(error.contains("set maxmemory-policy noeviction"), "{error}");
}

pub(crate) async fn a_safe_redis_raises_no_warning(backend: &Backend) {
    let bus = backend.connect("a", Tuning::default()).await.unwrap();
    assert_eq!(bus.check_safety().await.unwrap(), Vec::<String>::new());
}
