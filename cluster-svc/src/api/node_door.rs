//! The door of a real node: the driver's handle.

use std::collections::BTreeMap;

use cluster_engine::state::{Answer, Command};
use cluster_engine::{Guid, NodeId, Refusal};
use tokio::sync::watch;

use super::door::{Door, Facts, Gone, Later, Look, Numbered, Peer, Vantage};
use crate::driver::NodeHandle;
use crate::driver::findings::Found;

impl Door for NodeHandle {
    fn look(&self, look: Look) -> Later<'_, Result<(), Gone>> {
        let me = self.facts().node;
        Box::pin(async move {
            let asked = self.read(move |engine, now| {
                let state = engine.state();
                let others = state.nodes.keys().copied().filter(|id| *id != me);
                let vantage = Vantage {
                    now,
                    quorate: engine.is_quorate(now),
                    leader: engine.leader(),
                    last_heard: others.filter_map(|id| Some((id, engine.last_heard(id)?))).collect(),
                    fence: cluster_engine::membership::fence_length(state.config.detection()),
                    prevent_quorum: engine.config().prevent_quorum,
                };
                look(state, &vantage);
            });
            asked.await.map_err(|_| Gone)
        })
    }

    fn submit(&self, command: Command) -> Later<'_, Result<Answer, Refusal>> {
        Box::pin(NodeHandle::submit(self, command))
    }

    fn history(&self, after: Option<u64>, limit: usize) -> Vec<Numbered> {
        NodeHandle::history(self, after, limit)
    }

    fn findings(&self) -> Vec<Found> {
        NodeHandle::findings(self)
    }

    fn changed(&self) -> watch::Receiver<u64> {
        NodeHandle::changed(self)
    }

    fn control(&self, resource: Guid, code: u32, input: Vec<u8>) -> Later<'_, Result<(u32, Vec<u8>), Refusal>> {
        Box::pin(NodeHandle::control(self, resource, code, input))
    }

    fn facts(&self) -> Facts {
        let facts = NodeHandle::facts(self);
        Facts { node: facts.node, name: facts.name, log_path: facts.log_path, lab: facts.lab }
    }

    fn peers(&self) -> BTreeMap<NodeId, Peer> {
        let known = |text: String| (!text.is_empty()).then(|| format!("http://{text}"));
        NodeHandle::peers(self)
            .into_iter()
            .map(|(id, facts)| {
                let peer = Peer {
                    process_id: (facts.process_id != 0).then_some(facts.process_id),
                    api_address: known(facts.api_address),
                    monitors: facts.monitors.into_iter().collect(),
                };
                (id, peer)
            })
            .collect()
    }

    fn stop(&self) {
        NodeHandle::stop(self);
    }
}
