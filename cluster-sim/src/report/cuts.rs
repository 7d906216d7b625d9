//! Which wires and storage paths a script has cut: two lanes that say in which parts the nodes are.

use std::collections::BTreeSet;

use super::fold::note;
use super::timeline::{Lane, Look, Shade, Span};
use crate::scenario::script::Fault;

/// The cuts, and the lanes up to now. Nodes by their places in the list of names.
#[derive(Clone, Debug)]
pub(super) struct Cuts {
    names: Vec<String>,
    wires: BTreeSet<(usize, usize)>,
    storage: BTreeSet<usize>,
    network: Vec<Span>,
    paths: Vec<Span>,
}

impl Cuts {
    pub(super) fn new(names: Vec<String>) -> Cuts {
        Cuts { names, wires: BTreeSet::new(), storage: BTreeSet::new(), network: Vec::new(), paths: Vec::new() }
    }

    pub(super) fn strike(&mut self, fault: &Fault) {
        match fault {
            Fault::Wire { a, b, one_way, cut } => {
                let (Some(a), Some(b)) = (self.place(a), self.place(b)) else { return };
                self.set(a, b, *cut);
                if !one_way {
                    self.set(b, a, *cut);
                }
            }
            Fault::Partition { sides } => {
                let sides: Vec<Vec<usize>> =
                    sides.iter().map(|side| side.iter().filter_map(|n| self.place(n)).collect()).collect();
                for (at, side) in sides.iter().enumerate() {
                    for (other_at, other) in sides.iter().enumerate() {
                        for (a, b) in side.iter().flat_map(|a| other.iter().map(move |b| (*a, *b))) {
                            self.set(a, b, at != other_at);
                        }
                    }
                }
            }
            Fault::Storage { nodes, cut } => {
                for node in nodes.iter().filter_map(|n| self.place(n)).collect::<Vec<_>>() {
                    match cut {
                        true => self.storage.insert(node),
                        false => self.storage.remove(&node),
                    };
                }
            }
            Fault::MendAll => self.wires.clear(),
            Fault::Heal => {
                self.wires.clear();
                self.storage.clear();
            }
            Fault::Service { .. } | Fault::Fail(_) | Fault::Behave { .. } => {}
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    fn set(&mut self, from: usize, to: usize, cut: bool) {
        if cut {
            self.wires.insert((from, to));
        } else {
            self.wires.remove(&(from, to));
        }
    }

    pub(super) fn look(&mut self, now_ms: u64) {
        let network = match self.wires.is_empty() {
            true => Look::plain(Shade::Well, "Whole"),
            false => Look { detail: self.sides(), ..Look::plain(Shade::Bad, "Cut") },
        };
        note(&mut self.network, now_ms, network);
        let names: Vec<&str> = self.storage.iter().map(|node| self.names[*node].as_str()).collect();
        let paths = match names.is_empty() {
            true => Look::plain(Shade::Well, "Whole"),
            false => Look { detail: names.join(" "), ..Look::plain(Shade::Bad, "Cut") },
        };
        note(&mut self.paths, now_ms, paths);
    }

    /// `n1 n2 | n3`, when that says it all; otherwise the ways that are cut.
    fn sides(&self) -> String {
        let mut sides: Vec<Vec<usize>> = Vec::new();
        for node in 0..self.names.len() {
            let reaches =
                |other: &usize| !self.wires.contains(&(node, *other)) && !self.wires.contains(&(*other, node));
            match sides.iter_mut().find(|side| side.iter().all(reaches)) {
                Some(side) => side.push(node),
                None => sides.push(vec![node]),
            }
        }
        let side_of = |node: usize| sides.iter().position(|side| side.contains(&node));
        let all = || (0..self.names.len()).flat_map(|a| (0..self.names.len()).map(move |b| (a, b)));
        let is_clean = all().all(|(a, b)| self.wires.contains(&(a, b)) == (side_of(a) != side_of(b)));
        let name = |node: &usize| self.names[*node].clone();
        if is_clean {
            let words = sides.iter().map(|side| side.iter().map(name).collect::<Vec<_>>().join(" "));
            return words.collect::<Vec<_>>().join(" | ");
        }
        let is_both = |a: &usize, b: &usize| self.wires.contains(&(*b, *a));
        let ways = self.wires.iter().filter(|(a, b)| a < b || !is_both(a, b)).map(|(a, b)| {
            let arrow = if is_both(a, b) { "–" } else { "→" };
            format!("{}{arrow}{}", name(a), name(b))
        });
        ways.collect::<Vec<_>>().join(", ")
    }

    /// The lanes on which anything ever happened.
    pub(super) fn into_lanes(self) -> Vec<Lane> {
        let lanes = [("network", self.network), ("storage paths", self.paths)];
        let eventful = lanes.into_iter().filter(|(_, spans)| spans.iter().any(|span| span.look.word != "Whole"));
        eventful.map(|(name, spans)| Lane { name: name.to_owned(), spans }).collect()
    }
}
