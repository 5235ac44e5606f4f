//! What full-text search costs: fills a store with messages, indexes them, and measures searches of
//! several kinds, with the query plans and the sizes on disk.
//!
//! `cargo run --release -p hubbub-store --example search_million -- sqlite 1000000` (or `mongo`, of
//! which it starts one member itself). The words are made up and as frequent as words are (Zipf);
//! one message in ten is Chinese. The asker is in all 200 rooms, which is the most work there is.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, stream};
use hubbub_protocol::http::RoomKind;
use hubbub_protocol::{
    Epoch, Event, Message, MessageBody, MessageId, RoomCode, RoomId, Seq, Timestamp, UserId,
};
use hubbub_store::search::Indexed;
use hubbub_store::{
    Has, MongoOptions, MongoStore, NewRoom, SearchQuery, SearchStore, SqliteStore, Store,
    StoreError,
};
use hubbub_testkit::mongo::MongoSet;
use mongodb::bson::{Document, doc};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const ROOMS: usize = 200;
const PEOPLE: usize = 500;
const WORDS: usize = 60_000;
const IDEOGRAPHS: u32 = 3_000;
const BATCH: usize = 1_000;
const QUERIES: usize = 25;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Ranks that are as frequent as those of words: the n-th with weight 1/n.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(ranks: usize) -> Self {
        let mut sum = 0.0;
        Self(
            (1..=ranks)
                .map(|rank| {
                    sum += 1.0 / rank as f64;
                    sum
                })
                .collect(),
        )
    }

    fn draw(&self, random: &mut StdRng) -> usize {
        let at = random.random_range(0.0..self.0[self.0.len() - 1]);
        self.0.partition_point(|sum| *sum < at)
    }
}

struct Language {
    words: Vec<String>,
    word: Zipf,
    ideograph: Zipf,
}

impl Language {
    fn new(random: &mut StdRng) -> Self {
        const ONSETS: [&str; 20] = [
            "b", "br", "c", "ch", "d", "f", "g", "gr", "h", "k", "l", "m", "n", "p", "pl", "r",
            "s", "st", "t", "v",
        ];
        const RIMES: [&str; 16] = [
            "a", "e", "i", "o", "u", "an", "en", "in", "on", "ar", "er", "or", "est", "ing", "al",
            "ou",
        ];
        let mut words = Vec::with_capacity(WORDS);
        for rank in 0..WORDS {
            let syllables =
                random.random_range(1..=2) + usize::from(rank > 200) + usize::from(rank > 5_000);
            let syllable = |_| {
                let onset = ONSETS[random.random_range(0..ONSETS.len())];
                [onset, RIMES[random.random_range(0..RIMES.len())]].concat()
            };
            words.push((0..syllables).map(syllable).collect::<String>());
        }
        Self { words, word: Zipf::new(WORDS), ideograph: Zipf::new(IDEOGRAPHS as usize) }
    }

    fn text(&self, random: &mut StdRng) -> String {
        let mut text = String::new();
        if random.random_ratio(1, 10) {
            for _ in 0..random.random_range(5..40) {
                text.extend(self.ideograph(self.ideograph.draw(random)));
            }
        } else {
            for _ in 0..random.random_range(3..22) {
                text.push_str(&self.words[self.word.draw(random)]);
                text.push(' ');
            }
        }
        if random.random_ratio(1, 50) {
            text.push_str(" https://example.org/page");
        }
        text
    }

    fn ideograph(&self, rank: usize) -> Option<char> {
        char::from_u32(0x4e00 + u32::try_from(rank).ok()?)
    }
}

async fn fill(
    store: &dyn Store,
    language: &Language,
    messages: usize,
) -> Outcome<(Vec<RoomId>, Vec<UserId>)> {
    let mut random = StdRng::seed_from_u64(2);
    let people: Vec<_> = (0..PEOPLE).map(|_| UserId::new()).collect();
    let mut rooms = Vec::with_capacity(ROOMS);
    for number in 0..ROOMS {
        let room = store.create_room(NewRoom {
            id: RoomId::new(),
            kind: RoomKind::Public,
            name: format!("Room {number}"),
            description: String::new(),
            code: RoomCode::new(),
            owner: people[0],
            created_at: Timestamp::now(),
        });
        rooms.push(room.await?.id);
    }
    let start = Instant::now();
    let first = Timestamp::now().millis() - messages as i64 * 1_000;
    let (mut seqs, mut number) = (vec![0; ROOMS], 0);
    while number < messages {
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH && number < messages {
            let room = random.random_range(0..ROOMS);
            seqs[room] += 1;
            batch.push(Event::Message(Message {
                room: rooms[room],
                epoch: Epoch(1),
                seq: Seq(seqs[room]),
                id: MessageId::new(),
                sender: people[random.random_range(0..PEOPLE)],
                at: Timestamp::from_millis(first + number as i64 * 1_000),
                body: MessageBody::text(language.text(&mut random)),
                edited_at: None,
                deleted_at: None,
                reactions: Vec::new(),
            }));
            number += 1;
        }
        store.append(&batch).await?;
    }
    report("stored", messages, start.elapsed());
    Ok((rooms, people))
}

fn report(what: &str, messages: usize, took: Duration) {
    let rate = messages as f64 / took.as_secs_f64();
    println!("{what} {messages} messages in {:.1} s: {rate:.0} a second", took.as_secs_f64());
}

async fn index(store: &dyn Store, rooms: &[RoomId], messages: usize) -> Result<(), StoreError> {
    let start = Instant::now();
    stream::iter(rooms.iter().map(Ok))
        .try_for_each_concurrent(2, async |room| {
            while store.index_room(*room).await? == Indexed::Behind {}
            Ok::<_, StoreError>(())
        })
        .await?;
    report("indexed", messages, start.elapsed());
    Ok(())
}

/// Queries of one kind, each another one.
fn queries(language: &Language, people: &[UserId]) -> Vec<(&'static str, Vec<SearchQuery>)> {
    let terms = |terms: Vec<String>| SearchQuery { terms, ..SearchQuery::default() };
    let word = |rank: usize| language.words[rank].clone();
    let many = |query: &dyn Fn(usize) -> SearchQuery| (0..QUERIES).map(query).collect::<Vec<_>>();
    let ideographs = |ranks: [usize; 2]| -> String {
        ranks.into_iter().filter_map(|rank| language.ideograph(rank)).collect()
    };
    vec![
        ("common word", many(&|n| terms(vec![word(n)]))),
        ("word of the middle", many(&|n| terms(vec![word(1_000 + n * 40)]))),
        ("rare word", many(&|n| terms(vec![word(30_000 + n * 1_000)]))),
        ("two common words", many(&|n| terms(vec![word(20 + n), word(60 + n)]))),
        (
            "part of a word",
            many(&|n| {
                let word: Vec<char> = word(8_000 + n * 900).chars().collect();
                terms(vec![word[1..word.len().min(6)].iter().collect()])
            }),
        ),
        ("three letters", many(&|n| terms(vec![word(5_100 + n * 7).chars().take(3).collect()]))),
        ("one letter", many(&|n| terms(vec![word(n).chars().take(1).collect()]))),
        ("phrase", many(&|n| terms(vec![format!("{} {}", word(n), word(n + 7))]))),
        ("two ideographs", many(&|n| terms(vec![ideographs([n, n + 50])]))),
        ("rare ideographs", many(&|n| terms(vec![ideographs([1_000 + n * 50, 2])]))),
        ("in no message", many(&|n| terms(vec![format!("qzx{n}wjy")]))),
        (
            "from: and a word",
            many(&|n| SearchQuery { from: Some(people[n]), ..terms(vec![word(50 + n)]) }),
        ),
        ("from: alone", many(&|n| SearchQuery { from: Some(people[n]), ..SearchQuery::default() })),
        (
            "has:link and a word",
            many(&|n| SearchQuery { has: vec![Has::Link], ..terms(vec![word(100 + n)]) }),
        ),
    ]
}

async fn measure(
    store: &dyn Store,
    kind: &str,
    rooms: &[RoomId],
    queries: &[SearchQuery],
) -> Outcome<()> {
    let (mut times, mut hits, mut cut) = (Vec::new(), 0, 0);
    for query in queries {
        let start = Instant::now();
        match store.search(query, rooms, None, 20, Duration::from_secs(2)).await {
            Ok(page) => {
                hits += page.hits.len();
                cut += usize::from(page.hits.len() < 20 && page.next.is_some());
            }
            Err(StoreError::Overloaded(_)) => cut += 1,
            Err(other) => return Err(other.into()),
        }
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let percentile = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    println!(
        "{kind:24} p50 {:7.1} ms  p95 {:7.1} ms  {:5.1} hits  {cut} out of time",
        percentile(50),
        percentile(95),
        hits as f64 / queries.len() as f64,
    );
    Ok(())
}

async fn measure_all(
    store: &dyn Store,
    language: &Language,
    rooms: &[RoomId],
    people: &[UserId],
) -> Outcome<()> {
    for (kind, queries) in queries(language, people) {
        measure(store, kind, rooms, &queries).await?;
    }
    let one_room = queries(language, people).swap_remove(1).1;
    measure(store, "in: and a word", &rooms[..1], &one_room).await?;
    Ok(())
}

async fn sqlite(messages: usize, language: &Language) -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    let store = SqliteStore::open(dir.path())?;
    let (rooms, people) = fill(&store, language, messages).await?;
    index(&store, &rooms, messages).await?;
    measure_all(&store, language, &rooms, &people).await?;
    store.close().await;
    let database = rusqlite::Connection::open(dir.path().join(hubbub_store::sqlite::FILE))?;
    println!("\nsize of each table and index, in MiB:");
    let mut sizes = database.prepare(
        "SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name HAVING bytes > 1000000
         ORDER BY bytes DESC",
    )?;
    let mut rows = sizes.query([])?;
    while let Some(row) = rows.next()? {
        println!("{:24} {:8.1}", row.get::<_, String>(0)?, row.get::<_, f64>(1)? / 1048576.0);
    }
    println!("\nquery plans:");
    for statement in [
        "SELECT newest, number, rowid FROM search_blocks
         WHERE room = ?1 AND newest >= ?2 AND newest <= ?3 AND oldest <= ?4",
        "SELECT filter FROM search_blocks WHERE rowid = ?1",
        "SELECT seq, kind, target, body FROM events
         WHERE room = ?1 AND seq >= ?2 AND seq <= ?3 ORDER BY seq LIMIT ?4",
        "SELECT body FROM events WHERE room = ?1 AND seq = ?2 AND kind = 0",
    ] {
        let mut plan = database.prepare(&format!("EXPLAIN QUERY PLAN {statement}"))?;
        let count = plan.parameter_count();
        let mut rows = plan.query(rusqlite::params_from_iter(vec![0; count]))?;
        while let Some(row) = rows.next()? {
            println!("{}", row.get::<_, String>("detail")?);
        }
    }
    Ok(())
}

async fn mongo(messages: usize, language: &Language) -> Outcome<()> {
    let set = MongoSet::start(1).await;
    let store = MongoStore::connect(MongoOptions::new(set.uri(), "search")).await?;
    let (rooms, people) = fill(&store, language, messages).await?;
    index(&store, &rooms, messages).await?;
    measure_all(&store, language, &rooms, &people).await?;
    let database = mongodb::Client::with_uri_str(set.uri()).await?.database("search");
    println!("\nsizes in MiB: data, on disk, indexes");
    for name in ["events", "search_blocks_1", "search_marks_1"] {
        let stats = database.run_command(doc! { "collStats": name }).await?;
        let size = |field| match stats.get(field) {
            Some(value) => {
                value.as_i64().or(value.as_i32().map(i64::from)).unwrap_or(0) as f64 / 1048576.0
            }
            None => 0.0,
        };
        let (data, disk, indexes) = (size("size"), size("storageSize"), size("totalIndexSize"));
        println!("{name:24} {data:8.1} {disk:8.1} {indexes:8.1}");
    }
    println!("\nwhat the server did for one search of each kind (from its profiler):");
    for (kind, queries) in queries(language, &people) {
        database.run_command(doc! { "profile": 2 }).await?;
        let _ = store.search(&queries[3], &rooms, None, 20, Duration::from_secs(2)).await;
        database.run_command(doc! { "profile": 0 }).await?;
        let profile = database.collection::<Document>("system.profile");
        let mut done: BTreeMap<String, [i64; 5]> = BTreeMap::new();
        let mut found = profile.find(doc! { "op": { "$in": ["query", "getmore"] } }).await?;
        while let Some(operation) = found.next().await.transpose()? {
            let collection = operation.get_str("ns")?.trim_start_matches("search.").to_owned();
            let plan = operation.get_str("planSummary").unwrap_or_default();
            let plan = plan.split(" }, ").next().unwrap_or_default();
            let counted = ["keysExamined", "docsExamined", "nreturned", "millis"];
            let sums = done.entry(format!("{collection}: {plan}")).or_default();
            sums[0] += 1;
            for (sum, field) in sums[1..].iter_mut().zip(counted) {
                *sum += operation
                    .get_i32(field)
                    .map(i64::from)
                    .or(operation.get_i64(field))
                    .unwrap_or(0);
            }
        }
        profile.drop().await?;
        println!("{kind}");
        for (what, [times, keys, documents, returned, millis]) in done {
            println!(
                "  {what}\n    {times} queries, {keys} keys, {documents} documents, {returned} returned, {millis} ms"
            );
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let which = arguments.next().unwrap_or_else(|| "sqlite".to_owned());
    let messages = arguments.next().map_or(Ok(1_000_000), |number| number.parse())?;
    let language = Language::new(&mut StdRng::seed_from_u64(1));
    match which.as_str() {
        "sqlite" => sqlite(messages, &language).await,
        "mongo" => mongo(messages, &language).await,
        other => Err(format!("sqlite or mongo, not {other}").into()),
    }
}
