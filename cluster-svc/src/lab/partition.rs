//! Dividing the network into sides at one moment: links between nodes of different sides are cut, all others are whole.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use cluster_engine::{Refusal, code};
use serde::Deserialize;

use super::bench::Bench;
use super::front::answer;
use crate::api::refused::Refused;

/// `PUT /lab/partition`. One side with every node makes everything whole.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Division {
    sides: Vec<Vec<String>>,
}

pub(super) async fn divide(State(bench): State<Arc<Bench>>, body: Bytes) -> Response {
    let division: Division = match serde_json::from_slice(&body) {
        Ok(division) => division,
        Err(error) => {
            let text = format!("no such request: {error}; send {{ Sides: [[node, ...], ...] }}");
            return Refused::from(Refusal::new(code::INVALID_DATA, text)).into_response();
        }
    };
    let done = match sides(&division, &bench.names()) {
        Ok(sides) => {
            bench.divide(&sides).await;
            Ok(())
        }
        Err(refusal) => Err(refusal),
    };
    answer(&bench, done)
}

/// The sides by the names that the lab has given: every node stands on exactly one.
fn sides(division: &Division, names: &[String]) -> Result<Vec<Vec<String>>, Refusal> {
    let mut left: Vec<&String> = names.iter().collect();
    let mut sides = Vec::new();
    for side in &division.sides {
        let mut found = Vec::new();
        for name in side {
            let Some(at) = left.iter().position(|known| known.eq_ignore_ascii_case(name)) else {
                let text = match names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                    true => format!("{name} stands on a side already; name every node once"),
                    false => format!("the lab has no node '{name}'; its nodes are {}", names.join(", ")),
                };
                return Err(Refusal::new(code::CLUSTER_NODE_NOT_FOUND, text).fact("Node", name));
            };
            found.push(left.remove(at).clone());
        }
        sides.push(found);
    }
    match left.first() {
        None => Ok(sides),
        Some(missing) => {
            let text = format!("{missing} stands on no side; name every node once");
            Err(Refusal::new(code::INVALID_PARAMETER, text).fact("Node", missing))
        }
    }
}

impl Bench {
    async fn divide(&self, sides: &[Vec<String>]) {
        let side_of = |name: &String| sides.iter().position(|side| side.contains(name));
        {
            let mut state = self.state();
            let names: Vec<String> = state.members.keys().cloned().collect();
            let pairs = names.iter().flat_map(|from| names.iter().map(move |to| (from, to)));
            let cuts = pairs.filter(|(from, to)| side_of(from) != side_of(to));
            state.cuts = cuts.map(|(from, to)| (from.clone(), to.clone())).collect();
            state.members.values_mut().for_each(|member| member.is_told_of_links = false);
        }
        let words: Vec<String> = sides.iter().map(|side| side.join(" ")).collect();
        match sides.len() {
            0 | 1 => self.tell("all links are whole again".into(), None),
            _ => self.tell(format!("the network was divided: {}", words.join(" | ")), None),
        }
        self.tell_links().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_stands_on_one_side() {
        let names: Vec<String> = ["n1", "n2", "n3"].map(str::to_owned).to_vec();
        let check = |body: &str, expected: Result<&str, u32>| {
            let division: Division = serde_json::from_str(body).expect("a request");
            let found = sides(&division, &names).map_err(|refusal| refusal.code);
            let found = found.map(|sides| sides.iter().map(|s| s.join(" ")).collect::<Vec<_>>().join(" | "));
            assert_eq!(found, expected.map(str::to_owned), "{body}");
        };
        check(r#"{"Sides":[["n1","N2"],["n3"]]}"#, Ok("n1 n2 | n3"));
        check(r#"{"Sides":[["n1","n2","n3"]]}"#, Ok("n1 n2 n3"));
        check(r#"{"Sides":[["n1"],["n2"],["n3"]]}"#, Ok("n1 | n2 | n3"));
        check(r#"{"Sides":[["n1"],["n2"]]}"#, Err(code::INVALID_PARAMETER));
        check(r#"{"Sides":[]}"#, Err(code::INVALID_PARAMETER));
        check(r#"{"Sides":[["n1","n2"],["n2","n3"]]}"#, Err(code::CLUSTER_NODE_NOT_FOUND));
        check(r#"{"Sides":[["n1","n2"],["n4"]]}"#, Err(code::CLUSTER_NODE_NOT_FOUND));
        for odd in [r#"{"Sides":"n1"}"#, r#"{"Sides":[["n1"]],"Cut":true}"#, "[]"] {
            assert!(serde_json::from_str::<Division>(odd).is_err(), "{odd}");
        }
    }
}
