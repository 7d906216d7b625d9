//! What reports look like. `UPDATE_EXPECT=1` rewrites the expected files; read them afterwards.

use expect_test::{ExpectFile, expect, expect_file};

use super::timeline::{Look, Shade};
use super::{Played, StageKind, html, junit, scenarios, storms, timeline};
use crate::invariants::Broken;
use crate::scenario;
use crate::storm::{Outcome, Settings};

/// A small story with a fault, an event, a refused request, a wrong expectation and a log that differs.
const SMALL: &str = "# The owner of <Web> & its twin dies; \"another\" node takes over.\n\
    nodes 3 seed 7\n\
    group \"<Web> & Co\" on n1\n\
    resource App in \"<Web> & Co\"\n\
    online \"<Web> & Co\"\n\
    begin\n\
    kill n1\n\
    until \"<Web> & Co\" is Online on n2\n\
    expect refused 5050: move \"<Web> & Co\" to n1 from n2\n\
    expect App Failed\n\
    ---\n\
    +0.000    > kill n1\n\
    +0.000    something else\n";

fn played(file: &str, text: &str) -> Played {
    let (file, text, report) = (file.to_owned(), text.to_owned(), scenario::run(text));
    Played { file, text, report, updated: false, stage: StageKind::Simulated }
}

/// The small story, one without a mistake, and one that cannot be understood.
fn three() -> Vec<Played> {
    let good = "nodes 1\nbegin\nexpect n1 Up\n";
    vec![
        played("stories/small.scenario", SMALL),
        played("good.scenario", good),
        played("b\u{1}d.scenario", "nodes 1\njump \u{1}\n"),
    ]
}

fn check(text: &str, expected: ExpectFile) {
    expected.assert_eq(text);
}

#[test]
fn reports_of_scenarios_are_the_expected_ones() {
    let three = three();
    let texts: String = three.iter().map(scenarios::text).collect();
    let verdicts: Vec<_> = three.iter().map(|p| p.report.verdict).collect();
    check(&(texts + &scenarios::summary(&verdicts)), expect_file!["goldens/scenarios.txt"]);
    check(&three.iter().map(scenarios::json).collect::<String>(), expect_file!["goldens/scenarios.json"]);
    check(&junit::xml(&three).expect("it is written to memory"), expect_file!["goldens/scenarios.xml"]);
    check(&html::page(&three[..1]), expect_file!["goldens/small.html"]);
}

#[test]
fn what_people_write_cannot_become_markup() {
    let page = html::page(&three());
    assert!(page.contains("&lt;Web&gt; &amp; Co"), "the name of the group is shown");
    assert!(!page.contains("<Web>") && !page.contains('\u{1}'));
    assert!(!page.contains("<script") && !page.contains("http"), "nothing is run and nothing is fetched");
}

#[test]
fn xml_can_be_read_back() {
    let xml = junit::xml(&three()).expect("it is written to memory");
    let mut reader = quick_xml::Reader::from_str(&xml);
    let (mut cases, mut failures, mut errors) = (0, 0, 0);
    loop {
        match reader.read_event().expect("well-formed XML") {
            quick_xml::events::Event::Start(tag) => match tag.name().as_ref() {
                "testcase" => cases += 1,
                "failure" => failures += 1,
                "error" => errors += 1,
                _ => {}
            },
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!((cases, failures, errors), (3, 1, 1));
    assert!(!xml.contains('\u{1}'));
}

/// The lane of a node or a group: when it began to be what, and whose.
fn lane(text: &str, name: &str) -> String {
    let timeline = timeline::read(text, &scenario::run(text)).expect("the story begins");
    let quorum = timeline.quorum.iter().chain(&timeline.cuts);
    let mut lanes = timeline.nodes.iter().chain(&timeline.groups).chain(quorum);
    let lane = lanes.find(|lane| lane.name == name).expect("it has a lane");
    let told = lane.spans.iter().map(|span| {
        let Look { shade, word, owner, detail } = &span.look;
        format!("{} {shade:?} {word} {}{detail}\n", span.from_ms, owner.as_deref().unwrap_or("-"))
    });
    told.collect()
}

#[test]
fn lanes_follow_the_story() {
    let script = "nodes 3\ngroup Web on n1\nresource App in Web\nonline Web\nbegin\nkill n1\nuntil settled\nstart n1\n\
        until settled\npause n1\nuntil settled\nfreeze n3\nuntil n3 is Down\nthaw n3\nuntil settled\n";
    expect![[r#"
        0 Quiet Not running -
        3228 Apart No quorum -
        3230 Busy Joining -
        3235 Well Up -
        5257 Partly Paused -
    "#]]
    .assert_eq(&lane(script, "n1"));
    expect![[r#"
        0 Well Up -
        7278 Frozen Frozen -
        8039 Apart No quorum -
        8041 Busy Joining -
        8045 Well Up -
    "#]]
    .assert_eq(&lane(script, "n3"));
    expect![[r#"
        0 Well Online n1
        1205 Busy Pending n2
        1211 Well Online n2
    "#]]
    .assert_eq(&lane(script, "Web"));
}

#[test]
fn a_story_that_does_not_begin_has_no_timeline() {
    for text in ["", "jump\n", "nodes 1\ngroup Web on n1\nresource App in Web depends [Nobody]\nbegin\n"] {
        assert_eq!(timeline::read(text, &scenario::run(text)), None, "{text}");
    }
    let nothing = timeline::read("nodes 1\nbegin\n", &scenario::run("nodes 1\nbegin\n")).expect("it begins");
    assert_eq!(nothing.nodes[0].spans[0].look, Look::plain(Shade::Well, "Up"));
}

#[test]
fn a_storm_is_told_with_all_that_was_drawn() {
    let settings = Settings::draw(5);
    let broken = Broken { invariant: "one_host", what: "'A' runs on n1 and n2".to_owned() };
    let good = Outcome { settings, broken: None, acknowledged: 13, steps: 5_400, digest: 255, settled_after: 1_600 };
    let bad = Outcome { broken: Some(broken), ..good.clone() };
    let told = storms::settings_text(&settings) + &storms::outcome_text(&good) + &storms::outcome_text(&bad);
    check(&told, expect_file!["goldens/storm.txt"]);
    check(&(storms::json(&good, None) + &storms::json(&bad, Some("1 a\n2 b\n"))), expect_file!["goldens/storm.json"]);
    assert_eq!((storms::node_ms(&good), storms::node_ms(&bad)), (61_600 * settings.nodes, 0));
}
