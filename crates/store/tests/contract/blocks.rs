//! Blocks.

use hubbub_protocol::UserId;
use hubbub_store::StoreError;
use hubbub_store::blocks::BLOCKS_MAX;

use crate::making::AnyStore;

fn people<const N: usize>() -> [UserId; N] {
    let mut people = std::array::from_fn(|_| UserId::new());
    people.sort_unstable();
    people
}

pub(crate) async fn a_block_counts_both_ways_and_is_one_person_s(store: AnyStore) {
    let [ada, bob, eve] = people();
    assert!(store.block(ada, bob).await.unwrap());
    assert!(!store.block(ada, bob).await.unwrap());
    assert_eq!(store.blocked_between(ada, &[eve, bob]).await.unwrap(), [bob]);
    assert_eq!(store.blocked_between(bob, &[eve, ada]).await.unwrap(), [ada]);
    assert!(store.blocked_between(eve, &[ada, bob]).await.unwrap().is_empty());
    assert_eq!(store.blockers_among(bob, &[eve, ada]).await.unwrap(), [ada]);
    assert!(store.blockers_among(ada, &[bob]).await.unwrap().is_empty());
    assert!(store.blocked_between(ada, &[]).await.unwrap().is_empty());
    assert!(store.blockers_among(bob, &[]).await.unwrap().is_empty());
}

pub(crate) async fn blocks_of_many_pairs_are_told_one_way(store: AnyStore) {
    let [ada, bob, eve] = people();
    store.block(ada, bob).await.unwrap();
    store.block(eve, ada).await.unwrap();
    let pairs = [(ada, bob), (bob, ada), (ada, eve), (eve, ada), (eve, bob)];
    let mut told = store.blocks_among(&pairs).await.unwrap();
    told.sort_unstable();
    assert_eq!(told, [(ada, bob), (eve, ada)]);
    assert!(store.blocks_among(&[]).await.unwrap().is_empty());
}

pub(crate) async fn each_side_takes_back_its_own_block(store: AnyStore) {
    let [ada, bob] = people();
    store.block(ada, bob).await.unwrap();
    store.block(bob, ada).await.unwrap();
    assert_eq!(store.blocked_between(ada, &[bob]).await.unwrap(), [bob]);
    assert!(store.unblock(ada, bob).await.unwrap());
    assert!(!store.unblock(ada, bob).await.unwrap());
    assert_eq!(store.blocked_between(ada, &[bob]).await.unwrap(), [bob]);
    assert!(store.unblock(bob, ada).await.unwrap());
    assert!(store.blocked_between(ada, &[bob]).await.unwrap().is_empty());
}

pub(crate) async fn blocks_come_in_pages_and_have_a_bound(store: AnyStore) {
    let [ada] = people();
    let mut blocked: Vec<_> = (0..BLOCKS_MAX).map(|_| UserId::new()).collect();
    blocked.sort_unstable();
    for other in &blocked {
        store.block(ada, *other).await.unwrap();
    }
    let past = store.block(ada, UserId::new()).await;
    assert!(matches!(past, Err(StoreError::TooManyBlocks)), "{past:?}");
    assert!(!store.block(ada, blocked[0]).await.unwrap(), "again");
    let page = store.blocked_by(ada, None, 3).await.unwrap();
    assert_eq!(page, blocked[..3]);
    assert_eq!(store.blocked_by(ada, Some(page[2]), 2).await.unwrap(), blocked[3..5]);
    assert_eq!(store.blocked_by(ada, None, BLOCKS_MAX + 1).await.unwrap(), blocked);
    assert!(store.blocked_by(ada, None, 0).await.unwrap().is_empty());
}
