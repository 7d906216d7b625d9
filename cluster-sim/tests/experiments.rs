//! Experiments on whole clusters: shrinking a storm, sweeping over faults, availability per quorum model, and speed.

use cluster_engine::EngineSabotage;
use cluster_sim::Sabotage;
use cluster_sim::availability::{self, Plan, Rate};
use cluster_sim::scenario;
use cluster_sim::storm::{self, Kind, Settings, busy, script, shrink};
use cluster_sim::sweep::{self, SweepError};

const THREE_NODES: &str = "\
nodes 3
group Web on n1
resource App in Web
group Db on n2
resource Data in Db
begin
";

fn no_fence() -> Sabotage {
    Sabotage::from(EngineSabotage { no_fence_delay: true, ..EngineSabotage::default() })
}

#[test]
fn a_storm_shrinks_to_what_breaks_the_promise() {
    let seed = (0..200).find(|seed| {
        let (outcome, _) = storm::run(Settings::of(*seed, Kind::Freezing), no_fence(), false);
        outcome.broken.is_some_and(|b| b.invariant == "one_host")
    });
    let settings = Settings::of(seed.expect("the sabotage is found"), Kind::Freezing);
    let mut heard = 0;
    let shrunk = shrink::shrink(settings, no_fence(), 150, &mut |runs, _| heard = runs).expect("it fails");
    assert_eq!(shrunk.outcome.broken.as_ref().map(|b| b.invariant), Some("one_host"));
    assert!(
        shrunk.acts.len() * 4 < shrunk.acts_before,
        "{} of {} acts are left",
        shrunk.acts.len(),
        shrunk.acts_before
    );
    assert!(shrunk.runs <= 150 && heard == shrunk.runs);
    let again = storm::play(shrunk.settings, no_fence(), Some(&shrunk.acts), false);
    assert_eq!(again.outcome, shrunk.outcome, "it breaks again each time it is played");
    let text = script::scenario(&shrunk);
    scenario::read(&text).unwrap_or_else(|failures| panic!("{failures:?}\n{text}"));
    assert!(text.contains("--kind freezing"), "{text}");
}

#[test]
fn a_storm_that_passes_is_not_shrunk() {
    let settings = Settings { length: 1_000, ..Settings::of(0, Kind::Failing) };
    assert!(shrink::shrink(settings, Sabotage::default(), 10, &mut |_, _| {}).is_none());
}

#[test]
fn every_kind_of_act_can_be_written_as_a_scenario() {
    for kind in Kind::ALL {
        for seed in 0..4 {
            let settings = Settings { length: 20_000, ..Settings::of(seed, kind) };
            let run = storm::play(settings, Sabotage::default(), None, false);
            let (acts_before, runs) = (run.acts.len(), 0);
            let shrunk = shrink::Shrunk { settings, acts: run.acts, outcome: run.outcome, acts_before, runs };
            let text = script::scenario(&shrunk);
            scenario::read(&text).unwrap_or_else(|failures| panic!("{failures:?}\n{text}"));
        }
    }
}

#[test]
fn a_sweep_shows_what_is_online_where() {
    let script = format!("{}online Web\nonline Db\n", THREE_NODES.trim_end_matches("begin\n")) + "begin\n";
    let state = sweep::state_of_scenario(&script).expect("a cluster");
    let mut heard = (0, 0);
    let result = sweep::sweep(&state, 1, true, &mut |done, total| heard = (done, total)).expect("a sweep");
    // 3 kills, 3 cuts, 2 resources; and all pairs of them.
    assert_eq!(result.cases.len(), 8 + 28);
    assert_eq!(heard, (36, 36));
    assert!(result.before.quorum && result.before.members.len() == 3);
    let case = |faults: &[&str]| result.cases.iter().find(|c| c.faults == faults).expect("the case is there");
    let place = |faults: &[&str], name: &str| {
        let group = case(faults).after.groups.iter().find(|g| g.name == name).cloned().expect("the group");
        (group.node, group.state)
    };
    assert_eq!(place(&["kill n3"], "Web"), (Some("n1".to_owned()), "Online".to_owned()));
    let (node, state) = place(&["kill n1"], "Web");
    assert!(node.is_some_and(|n| n != "n1") && state == "Online");
    assert!(case(&["kill n1"]).after.quorum && case(&["kill n1"]).took_ms.is_some_and(|ms| ms > 1_000));
    // Two of three at once: nobody is left to agree.
    let lost = case(&["kill n1", "kill n2"]);
    assert!(!lost.after.quorum && lost.after.groups.iter().all(|g| g.node.is_none()), "{lost:?}");
    assert!(place(&["fail 'App'"], "Web").1 != "Online");
    assert_eq!(place(&["fail 'App'"], "Db").1, "Online");
    let table = result.table();
    assert!(table.lines().count() == 38 && table.contains("LOST"), "{table}");
    let json = serde_json::to_value(&result).expect("JSON");
    assert_eq!(json["cases"][0]["faults"][0], "kill n1");
}

#[test]
fn what_cannot_be_swept_is_said() {
    let mut state = sweep::state_of_scenario(THREE_NODES).expect("a cluster");
    for node in state.nodes.values_mut() {
        node.state = cluster_engine::state::NodeState::Down;
    }
    assert_eq!(sweep::sweep(&state, 1, false, &mut |_, _| {}), Err(SweepError::NobodyUp));
    assert!(sweep::state_of_scenario("nodes 99\nbegin\n").is_err());
}

#[test]
fn availability_tells_the_models_apart() {
    let plan = Plan {
        nodes: 2,
        seed: 1,
        seeds: 1,
        seconds: 1_200,
        node: Rate { mtbf_s: 200, mttr_s: 40 },
        link: Rate { mtbf_s: 0, mttr_s: 0 },
        storage: Rate { mtbf_s: 0, mttr_s: 0 },
    };
    let mut runs = 0;
    let rows = availability::availability(&plan, &mut |done, _| runs = done).expect("it can be built");
    assert_eq!((rows.len(), runs), (4, 4));
    let writes = |model: &str| rows.iter().find(|r| r.model == model).map(|r| r.writes).expect("the model");
    assert!(rows.iter().all(|r| r.writes > 0.2 && r.writes < 1.0), "{rows:?}");
    assert!(writes("NodeAndDiskMajority") > writes("NodeMajority"), "{rows:?}");
    assert_eq!(
        availability::availability(&plan, &mut |_, _| {}).expect("again"),
        rows,
        "the same seeds, the same shares"
    );
    let svg = availability::svg(&plan, &rows);
    assert!(svg.starts_with("<svg") && svg.matches("<rect").count() == 2 + 8, "{svg}");
    assert!(availability::table(&plan, &rows).contains("NodeAndDiskMajority"));
}

#[test]
fn a_busy_cluster_breaks_nothing() {
    let outcome = busy::busy(1, 10);
    assert_eq!(outcome.broken, None);
    assert!(outcome.acknowledged > 1_500, "{} writes of about 2000 were acknowledged", outcome.acknowledged);
}
