//! What operators see and do.

use std::time::Duration;

use hubbub_protocol::NewEvent;
use hubbub_worker::operator::{self, Format, Listing, OperatorError};
use serde_json::Value;

use crate::rig::{Kept, Node, at};

const ALL: Listing =
    Listing { partition: None, limit: 100, show_frames: false, format: Format::Table };

/// A log with these messages set aside, in this order.
async fn with_dead_letters(texts: &[&str]) -> (Node, Kept, Vec<NewEvent>) {
    let (node, kept) = (Node::local(), Kept::sqlite().await);
    node.seed(kept.room, at(1, 0)).await;
    let events: Vec<NewEvent> = texts.iter().map(|text| kept.says(text)).collect();
    for event in &events {
        node.commit(event).await;
    }
    if !events.is_empty() {
        for entry in node.wal.read(0, 1_000, Duration::ZERO).await.unwrap() {
            node.wal.bury(&entry, "store failed: choked").await.unwrap();
        }
    }
    (node, kept, events)
}

async fn list(node: &Node, listing: Listing) -> String {
    let mut out = Vec::new();
    operator::list_dead_letters(&*node.wal, listing, &mut out).await.unwrap();
    String::from_utf8(out).unwrap()
}

#[tokio::test]
async fn a_dead_letter_is_listed_with_its_reason_and_place_but_not_its_text() {
    let (node, kept, events) = with_dead_letters(&["confidential"]).await;
    let text = list(&node, ALL).await;
    assert!(text.contains("store failed: choked"), "{text}");
    assert!(text.contains(&format!("{} at 1:1 in room {}", events[0].id, kept.room)), "{text}");
    assert!(!text.contains("confidential"), "{text}");
    let json = list(&node, Listing { format: Format::Json, ..ALL }).await;
    assert!(!json.contains("confidential"), "{json}");
}

#[tokio::test]
async fn frames_are_shown_when_asked_for() {
    let (node, _kept, _events) = with_dead_letters(&["confidential"]).await;
    let text = list(&node, Listing { show_frames: true, ..ALL }).await;
    assert!(text.contains("confidential"), "{text}");
}

#[tokio::test]
async fn json_is_one_object_a_line() {
    let (node, kept, events) = with_dead_letters(&["one", "two"]).await;
    let json = list(&node, Listing { format: Format::Json, ..ALL }).await;
    let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["event"]["message"], events[1].id.to_string());
    assert_eq!(lines[1]["event"]["room"], kept.room.to_string());
    assert_eq!((&lines[1]["event"]["epoch"], &lines[1]["event"]["seq"]), (&1.into(), &2.into()));
}

#[tokio::test]
async fn a_listing_that_is_cut_says_how_many_more_there_are() {
    let (node, _kept, _events) = with_dead_letters(&["one", "two", "three"]).await;
    let text = list(&node, Listing { limit: 1, ..ALL }).await;
    assert!(text.contains("2 more"), "{text}");
}

#[tokio::test]
async fn an_empty_list_says_so() {
    let (node, _kept, _events) = with_dead_letters(&[]).await;
    assert_eq!(list(&node, ALL).await, "no dead letters\n");
}

#[tokio::test]
async fn one_dead_letter_can_be_replayed_and_the_others_stay() {
    let (node, _kept, _events) = with_dead_letters(&["one", "two"]).await;
    let letters = node.wal.dead_letters(0, 10).await.unwrap();
    operator::replay(&*node.wal, 0, &letters[1].id, &mut Vec::new()).await.unwrap();
    assert_eq!(node.depth().await, (1, 1));
    let again = operator::replay(&*node.wal, 0, &letters[1].id, &mut Vec::new()).await;
    assert!(matches!(again, Err(OperatorError::NoSuchLetter { .. })), "{again:?}");
}

#[tokio::test]
async fn all_dead_letters_can_be_replayed() {
    // More than are held in memory at a time.
    let (node, _kept, _events) = with_dead_letters(&["x"; 450]).await;
    let mut out = Vec::new();
    operator::replay_all(&*node.wal, None, &mut out).await.unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "450 dead letters are back on the log\n");
    assert_eq!(node.depth().await, (450, 0));
}

#[tokio::test]
async fn a_partition_that_is_none_is_refused() {
    let (node, _kept, _events) = with_dead_letters(&[]).await;
    let refused = operator::replay_all(&*node.wal, Some(9), &mut Vec::new()).await;
    let text = refused.expect_err("there is one partition").to_string();
    assert_eq!(text, "there is no partition 9: they are numbered 0 to 0");
}

#[tokio::test]
async fn the_depth_is_shown_per_partition_and_in_sum() {
    let (node, kept, _events) = with_dead_letters(&["dead"]).await;
    node.commit(&kept.says("waiting")).await;
    let mut out = Vec::new();
    operator::show_depth(&*node.wal, Format::Table, &mut out).await.unwrap();
    let text = String::from_utf8(out).unwrap();
    let columns: Vec<Vec<&str>> =
        text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((columns[1][0], columns[1][1]), ("0", "1"), "{text}");
    assert_eq!(columns[2], ["all", "1", "1"], "{text}");
}
