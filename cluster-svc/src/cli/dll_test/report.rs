//! What a test of a library found, for people, as JSON and as JUnit XML.

use std::collections::BTreeMap;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use serde_json::json;

use super::stand::Remark;

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// What was seen.
    Passed(String),
    /// What is wrong.
    Failed(String),
    /// Why it was not run.
    NotRun(String),
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CaseReport {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) verdict: Verdict,
}

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) file: String,
    pub(super) resource_type: String,
    pub(super) cases: Vec<CaseReport>,
}

/// The end of a line of the report.
pub(super) fn line(case: &CaseReport) -> String {
    match &case.verdict {
        Verdict::Passed(seen) => format!("ok      {seen}"),
        Verdict::Failed(problem) => format!("FAILED  {problem}\n{:<28} {:<7} rule: {}", "", "", case.about),
        Verdict::NotRun(why) => format!("-       {why}"),
    }
}

/// Turns what was remarked over all cases into cases of their own.
pub(super) fn judge(remarks: &[Remark], is_testable: bool) -> Vec<CaseReport> {
    let mut slow: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let mut forbidden: BTreeMap<String, u64> = BTreeMap::new();
    let mut complaints: BTreeMap<&str, u64> = BTreeMap::new();
    for remark in remarks {
        match remark {
            Remark::Slow(call, took_ms) => {
                let entry = slow.entry(call).or_default();
                *entry = (entry.0 + 1, entry.1.max(*took_ms));
            }
            Remark::Forbidden(finding) => {
                let place = finding.entry_point.clone().unwrap_or_else(|| format!("a {}", finding.thread));
                let text = format!("{} in {place} ({}: {})", finding.call, finding.usage, finding.remedy);
                *forbidden.entry(text).or_default() += 1;
            }
            Remark::Complaint(text) => *complaints.entry(text).or_default() += 1,
        }
    }
    let slow: Vec<String> =
        slow.iter().map(|(call, (times, most))| format!("{call} {times} times, up to {most} ms")).collect();
    let forbidden: Vec<String> = forbidden.into_keys().collect();
    let complaints: Vec<String> = complaints.keys().map(|text| (*text).to_owned()).collect();
    let case = |name: &str, about: &str, found: Vec<String>, good: &str| {
        let verdict = match (is_testable, found.is_empty()) {
            (false, _) => Verdict::NotRun("nothing could be seen".into()),
            (true, true) => Verdict::Passed(good.into()),
            (true, false) => Verdict::Failed(found.join("; ")),
        };
        CaseReport { name: name.into(), about: about.into(), verdict }
    };
    vec![
        case("300 ms", "every entry point returns within 300 ms (01.3)", slow, "every call was quick enough"),
        case("forbidden calls", "calls that deadlock a real cluster (01.9)", forbidden, "none was made"),
        case(
            "nothing to complain about",
            "status reports, handles and keys as the interface wants them (01.3, 01.4)",
            complaints,
            "the monitor had no complaint",
        ),
    ]
}

impl Report {
    pub(super) fn has_failed(&self) -> bool {
        self.cases.iter().any(|case| matches!(case.verdict, Verdict::Failed(_)))
    }

    fn counts(&self) -> [usize; 3] {
        let count = |is_it: fn(&Verdict) -> bool| self.cases.iter().filter(|case| is_it(&case.verdict)).count();
        [
            count(|v| matches!(v, Verdict::Passed(_))),
            count(|v| matches!(v, Verdict::Failed(_))),
            count(|v| matches!(v, Verdict::NotRun(_))),
        ]
    }

    /// The last line.
    pub(super) fn summary(&self) -> String {
        let [passed, failed, left] = self.counts();
        let verdict = if failed > 0 {
            "breaks rules of the Resource API"
        } else if left > 0 {
            "could not be tested"
        } else {
            "keeps the rules"
        };
        format!("{} of {}: {verdict} ({passed} passed, {failed} failed, {left} not run)", self.resource_type, self.file)
    }

    pub(super) fn json(&self) -> String {
        let [passed, failed, left] = self.counts();
        let cases: Vec<_> = self
            .cases
            .iter()
            .map(|case| {
                let (verdict, text) = match &case.verdict {
                    Verdict::Passed(text) => ("passed", text),
                    Verdict::Failed(text) => ("failed", text),
                    Verdict::NotRun(text) => ("not run", text),
                };
                json!({ "Name": case.name, "About": case.about, "Verdict": verdict, "Text": text })
            })
            .collect();
        let all = json!({
            "File": self.file, "ResourceType": self.resource_type, "Passed": passed, "Failed": failed, "NotRun": left,
            "Cases": cases,
        });
        serde_json::to_string_pretty(&all).unwrap_or_default()
    }

    /// JUnit XML: one suite, one case each.
    pub(super) fn junit(&self) -> io::Result<String> {
        let [_, failed, left] = self.counts();
        let counts =
            [("tests", self.cases.len().to_string()), ("failures", failed.to_string()), ("skipped", left.to_string())];
        let counts = || counts.iter().map(|(name, count)| (*name, count.as_str()));
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let suites = writer.create_element("testsuites").with_attributes([("name", "cluster dll test")]);
        suites.with_attributes(counts()).write_inner_content(|writer| {
            let suite = writer.create_element("testsuite").with_attributes([("name", self.resource_type.as_str())]);
            suite
                .with_attributes(counts())
                .write_inner_content(|writer| self.cases.iter().try_for_each(|case| self.junit_case(writer, case)))?;
            Ok(())
        })?;
        String::from_utf8(writer.into_inner()).map(|text| text + "\n").map_err(io::Error::other)
    }

    fn junit_case(&self, writer: &mut Writer<Vec<u8>>, case: &CaseReport) -> io::Result<()> {
        let attributes = [("name", case.name.as_str()), ("classname", "dll"), ("file", self.file.as_str())];
        writer.create_element("testcase").with_attributes(attributes).write_inner_content(|writer| {
            match &case.verdict {
                Verdict::Passed(_) => {}
                Verdict::Failed(text) => {
                    let failure = writer.create_element("failure").with_attributes([("message", case.about.as_str())]);
                    failure.write_text_content(BytesText::new(&legal(text)))?;
                }
                Verdict::NotRun(text) => {
                    writer.create_element("skipped").with_attributes([("message", text.as_str())]).write_empty()?;
                }
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// XML has no place for most control characters, and a library may have said anything.
fn legal(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let case = |name: &str, verdict| CaseReport { name: name.into(), about: "a rule <01.3>".into(), verdict };
        let cases = vec![
            case("one", Verdict::Passed("seen".into())),
            case("two", Verdict::Failed("Online & \u{7} more".into())),
            case("three", Verdict::NotRun("why".into())),
        ];
        Report { file: "/x/a.so".into(), resource_type: "A".into(), cases }
    }

    #[test]
    fn a_report_can_be_read_by_people_and_programs() {
        let report = report();
        assert_eq!(report.summary(), "A of /x/a.so: breaks rules of the Resource API (1 passed, 1 failed, 1 not run)");
        let json: serde_json::Value = serde_json::from_str(&report.json()).expect("JSON");
        assert_eq!((&json["Failed"], &json["Cases"][1]["Verdict"]), (&1.into(), &"failed".into()));
        let xml = report.junit().expect("in memory");
        assert!(xml.contains("<failure message=\"a rule &lt;01.3&gt;\">Online &amp;   more</failure>"), "{xml}");
        assert!(xml.contains("tests=\"3\" failures=\"1\" skipped=\"1\""), "{xml}");
    }

    #[test]
    fn remarks_become_cases() {
        let remarks =
            [Remark::Slow("Online".into(), 400), Remark::Slow("Online".into(), 500), Remark::Complaint("x".into())];
        let verdicts: Vec<_> = judge(&remarks, true).into_iter().map(|case| case.verdict).collect();
        assert_eq!(verdicts[0], Verdict::Failed("Online 2 times, up to 500 ms".into()));
        assert!(matches!(verdicts[1], Verdict::Passed(_)));
        assert_eq!(verdicts[2], Verdict::Failed("x".into()));
        assert!(judge(&[], false).iter().all(|case| matches!(case.verdict, Verdict::NotRun(_))));
    }
}
