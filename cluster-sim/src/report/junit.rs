//! JUnit XML: what services that run tests read.
//!
//! One suite, one case for each scenario. A scenario that went otherwise than it says is a failure, a file that cannot be
//! understood an error. There are no durations: a story's time is virtual, or that of its own waits.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::{Played, StageKind, is_legal};
use crate::scenario::{Report, Verdict};

/// The whole document. `Err` cannot happen in memory; the writer's type has it.
///
/// # Errors
/// What the XML writer says.
pub fn xml(all: &[Played]) -> io::Result<String> {
    let count = |wanted| all.iter().filter(|p| p.report.verdict == wanted).count().to_string();
    let (tests, failures, errors) = (all.len().to_string(), count(Verdict::Failed), count(Verdict::Unreadable));
    let counts = [("tests", tests.as_str()), ("failures", failures.as_str()), ("errors", errors.as_str())];
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let suites = writer.create_element("testsuites").with_attributes([("name", "cluster scenario run")]);
    suites.with_attributes(counts).write_inner_content(|writer| {
        let suite = writer.create_element("testsuite").with_attributes([("name", "scenarios")]);
        suite
            .with_attributes(counts)
            .write_inner_content(|writer| all.iter().try_for_each(|played| case(writer, played)))?;
        Ok(())
    })?;
    let mut text = String::from_utf8(writer.into_inner()).map_err(io::Error::other)?;
    text.push('\n');
    Ok(text)
}

fn case(writer: &mut Writer<Vec<u8>>, played: &Played) -> io::Result<()> {
    let file = legal(&played.file);
    let name = file.rsplit(['/', '\\']).next().unwrap_or(&file).trim_end_matches(".scenario");
    let class = match played.stage {
        StageKind::Simulated => "scenarios",
        StageKind::Real => "scenarios.real",
    };
    let attributes = [("name", name), ("classname", class), ("file", file.as_str())];
    let report = &played.report;
    let element = writer.create_element("testcase").with_attributes(attributes);
    element.write_inner_content(|writer| {
        match report.verdict {
            Verdict::Passed => {}
            Verdict::Failed => trouble(writer, "failure", report)?,
            Verdict::Unreadable => trouble(writer, "error", report)?,
        }
        if !report.log.is_empty() {
            let log = legal(&report.log.join("\n"));
            writer.create_element("system-out").write_text_content(BytesText::new(&log))?;
        }
        Ok(())
    })?;
    Ok(())
}

fn trouble(writer: &mut Writer<Vec<u8>>, kind: &str, report: &Report) -> io::Result<()> {
    let first = legal(&report.failures.first().map(ToString::to_string).unwrap_or_default());
    let mut lines: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    lines.extend(report.difference.clone());
    let element = writer.create_element(kind).with_attributes([("message", first.as_str())]);
    element.write_text_content(BytesText::new(&legal(&lines.join("\n"))))?;
    Ok(())
}

/// Without characters that XML cannot hold, escaped or not.
fn legal(text: &str) -> String {
    text.chars().map(|c| if is_legal(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}
