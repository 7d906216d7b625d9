//! The live stream: a snapshot first, then news; nothing is missed across a reconnection.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value as Json, json};

use super::fake::{Fake, Server, WEB, run};
use cluster_engine::state::Command;

/// One event of a stream.
#[derive(Debug)]
struct Heard {
    kind: String,
    id: Option<String>,
    data: Json,
}

struct Ear {
    chunks: std::pin::Pin<Box<dyn futures_util::Stream<Item = Vec<u8>>>>,
    pending: String,
}

impl Ear {
    async fn open(server: &Server, last_id: Option<&str>) -> Ear {
        let mut request = server.client.get(format!("{}/api/v1/stream", server.url));
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.expect("a stream");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let chunks = response.bytes_stream().map(|c| c.expect("the stream goes on").to_vec());
        Ear { chunks: Box::pin(chunks), pending: String::new() }
    }

    async fn next(&mut self) -> Heard {
        loop {
            if let Some((event, rest)) = self.pending.split_once("\n\n") {
                let field = |name: &str| event.lines().find_map(|l| l.strip_prefix(name)).map(|v| v.trim().to_owned());
                let heard = field("event:").map(|kind| Heard {
                    kind,
                    id: field("id:"),
                    data: serde_json::from_str(&field("data:").unwrap_or_default()).expect("JSON"),
                });
                let rest = rest.to_owned();
                self.pending = rest;
                match heard {
                    Some(heard) => return heard,
                    None => continue,
                }
            }
            let chunk = self.chunks.next().await.expect("the stream goes on");
            self.pending.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
        }
    }

    /// All notices until the next snapshot, and the snapshot.
    async fn until_snapshot(&mut self) -> (Vec<Heard>, Json) {
        let mut notices = Vec::new();
        loop {
            let heard = self.next().await;
            match heard.kind.as_str() {
                "snapshot" => return (notices, heard.data),
                "notice" => notices.push(heard),
                other => panic!("an event of kind {other}"),
            }
        }
    }
}

#[test]
fn a_listener_hears_a_snapshot_then_notices_and_a_new_snapshot() {
    run(async {
        let fake = Fake::new();
        let server = Server::start(&fake).await;
        let mut ear = Ear::open(&server, None).await;
        let (notices, snapshot) = ear.until_snapshot().await;
        assert!(notices.is_empty(), "what is past is not told: {notices:?}");
        assert_eq!(snapshot["Groups"].as_array().map(Vec::len), Some(3));
        assert_eq!(snapshot["Cluster"], server.get("/cluster").await);
        fake.must(Command::OnlineGroup { group: WEB, node: None });
        let (notices, snapshot) = ear.until_snapshot().await;
        assert!(!notices.is_empty());
        let group = &snapshot["Groups"].as_array().expect("groups").iter().find(|g| g["Name"] == "Web").cloned();
        assert_eq!(group.as_ref().map(|g| g["State"].clone()), Some(json!("Online")));
        for heard in &notices {
            assert_eq!(heard.data["Id"].as_str(), heard.id.as_deref());
        }
    });
}

#[test]
fn who_comes_again_hears_exactly_what_was_missed() {
    run(async {
        let fake = Fake::new();
        let server = Server::start(&fake).await;
        let mut ear = Ear::open(&server, None).await;
        ear.until_snapshot().await;
        fake.must(Command::OnlineGroup { group: WEB, node: None });
        let (first, _) = ear.until_snapshot().await;
        let last = first.last().and_then(|h| h.id.clone()).expect("a place");
        drop(ear);
        fake.must(Command::OfflineGroup { group: WEB });
        fake.must(Command::OnlineGroup { group: WEB, node: None });
        let path = format!("/events?after={last}&limit=1000");
        let missed = server.get(&path).await;
        let missed: Vec<&Json> = missed.as_array().expect("events").iter().map(|n| &n["Id"]).collect();
        assert!(!missed.is_empty());
        let mut ear = Ear::open(&server, Some(&last)).await;
        ear.until_snapshot().await;
        for expected in missed {
            let heard = ear.next().await;
            assert_eq!((heard.kind.as_str(), &heard.data["Id"]), ("notice", expected));
        }
    });
}

#[test]
fn snapshots_are_throttled_and_the_last_one_is_never_lost() {
    run(async {
        let fake = Fake::new();
        let server = Server::start(&fake).await;
        let mut ear = Ear::open(&server, None).await;
        ear.until_snapshot().await;
        let start = std::time::Instant::now();
        for _ in 0..50 {
            fake.set_quorate(false);
            fake.set_quorate(true);
            tokio::task::yield_now().await;
        }
        fake.set_quorate(false);
        let mut snapshots = 0;
        loop {
            let (_, snapshot) = ear.until_snapshot().await;
            snapshots += 1;
            if snapshot["Cluster"]["Stale"] == json!(true) {
                break;
            }
        }
        let most = start.elapsed().as_millis() / Duration::from_millis(100).as_millis() + 1;
        assert!(snapshots <= most, "{snapshots} snapshots in {:?}", start.elapsed());
    });
}

#[test]
fn events_are_filtered_by_level_and_subject() {
    run(async {
        let fake = Fake::new();
        fake.must(Command::OnlineGroup { group: WEB, node: None });
        let server = Server::start(&fake).await;
        let all = server.get("/events?limit=1000").await;
        let all = all.as_array().expect("events");
        let two = server.get("/events?limit=2").await;
        assert_eq!(two.as_array().expect("events")[..], all[all.len() - 2..]);
        let about = server.get("/events?limit=1000&subject=web%20ip").await;
        let about = about.as_array().expect("events");
        assert!(!about.is_empty() && about.len() < all.len());
        assert!(about.iter().all(|n| n["Subject"]["Name"] == "Web IP"));
        let grave = server.get("/events?limit=1000&level=warning").await;
        assert!(grave.as_array().expect("events").iter().all(|n| n["Level"] != "Information" && n["Level"] != "Debug"));
    });
}
