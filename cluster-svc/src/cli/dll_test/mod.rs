//! `cluster dll test`: does a library of resource types keep the rules of the Resource API?
//!
//! Each case lives in a monitor of its own (`stand`), so that a library that crashes or hangs costs one case. What it does
//! wrong beside what a case is about (slow calls, forbidden calls, complaints of the monitor) is collected over all cases and
//! judged at the end, as cases of their own. Rules: reference 01.3 to 01.9, 04, 05.

mod cases;
mod controls;
mod devices;
mod report;
mod stand;

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use clusreg::{Batch, FileTime, Hive, Value, ValueType};
use resmon::protocol::{EntryPoint, Status, TypeSpec};

use self::report::{CaseReport, Report, Verdict};
pub(super) use self::stand::Stand;
use self::stand::{Remark, key, timing};
use super::args::LibraryTest;
use super::assign;
use super::trouble::Trouble;
use crate::driver::wine::choice::is_windows_dll;
use crate::driver::wine::command_world::CommandWorld;

/// Exit code: the library keeps the rules.
const EXIT_KEEPS: u8 = 0;
/// Exit code: it breaks some.
const EXIT_BREAKS: u8 = 1;
/// Exit code: it cannot be tested.
const EXIT_UNTESTABLE: u8 = 2;

/// What a case came to: a sentence about what was seen, or what is wrong.
type Outcome = Result<String, String>;

/// One case.
struct Case {
    name: &'static str,
    /// What it shows, and where the rule stands.
    about: &'static str,
    run: fn(&mut Bench) -> Outcome,
}

/// A folder, a registry, and the monitors of one case.
struct Bench {
    folder: std::path::PathBuf,
    hive: Arc<Mutex<Hive>>,
    /// Where a Windows DLL lives.
    world: Option<Arc<CommandWorld>>,
    library: TypeSpec,
    properties: Vec<(String, Value)>,
    remarks: Vec<Remark>,
    next_id: u128,
}

impl Bench {
    /// A monitor. Its registry and shared folder are those of the others of this case.
    fn stand(&self) -> Result<Stand, String> {
        Stand::start(&self.folder, Arc::clone(&self.hive), self.world.as_deref())
    }

    /// A resource of the tested type, with its private properties in the registry, not open anywhere.
    fn resource(&mut self) -> Result<u128, String> {
        let id = self.next_id;
        self.next_id += 1;
        let path = format!("{}\\Parameters", key(id));
        let batch = self
            .properties
            .iter()
            .fold(Batch::at("").create_key(path), |batch, (name, value)| batch.set_value(name, numbered(value, id)));
        let mut hive = self.hive.lock().unwrap_or_else(PoisonError::into_inner);
        hive.apply(&batch, FileTime(1)).map(|_| id).map_err(|error| error.to_string())
    }

    /// Opens a resource.
    fn open(&self, stand: &mut Stand, id: u128) -> Result<(), String> {
        expect("Open", stand.open(id, &name_of(id), self.library.clone(), timing())?, &Status::Opened)
    }

    /// A monitor with one open resource.
    fn opened(&mut self) -> Result<(Stand, u128), String> {
        let id = self.resource()?;
        let mut stand = self.stand()?;
        self.open(&mut stand, id)?;
        Ok((stand, id))
    }

    /// Closes the resource, ends the monitor, and keeps what was remarked.
    fn close(&mut self, mut stand: Stand, id: u128) -> Result<(), String> {
        expect("Close", stand.ask(id, EntryPoint::Close)?, &Status::Closed)?;
        let remarks = stand.end()?;
        self.remarks.extend(remarks);
        Ok(())
    }
}

fn name_of(id: u128) -> String {
    format!("test {id}")
}

/// `{}` in a text is the number of the resource, so that each has a file, a port or a name of its own.
fn numbered(value: &Value, id: u128) -> Value {
    match value.as_sz().filter(|text| text.contains("{}")) {
        Some(text) => Value::sz(&text.replace("{}", &id.to_string())),
        None => value.clone(),
    }
}

/// A status has to be this one.
fn expect(call: &str, got: Status, wanted: &Status) -> Result<(), String> {
    if got == *wanted { Ok(()) } else { Err(format!("{call} ended in {}, not in {wanted:?}", words(&got))) }
}

fn words(status: &Status) -> String {
    match status {
        Status::OpenFailed { message, .. } => format!("a failure: {message}"),
        Status::Failed(cause) => format!("a failure: {cause:?}"),
        other => format!("{other:?}"),
    }
}

fn all_cases() -> impl Iterator<Item = &'static Case> {
    [cases::ALL, controls::ALL, devices::ALL].into_iter().flatten()
}

/// Runs the cases. The result is the exit code.
///
/// # Errors
/// When an argument cannot be meant, or a file cannot be written.
pub(super) fn run(options: &LibraryTest, is_json: bool, out: &mut dyn Write) -> Result<u8, Trouble> {
    let file = std::fs::canonicalize(&options.file)
        .map_err(|error| Trouble::File { path: options.file.clone(), why: error.to_string() })?;
    let dll_name = file.to_str().ok_or_else(|| Trouble::Argument("the path of the library is not text".into()))?;
    let spec = TypeSpec { name: options.resource_type.clone(), dll_name: dll_name.to_owned() };
    let properties = options.properties.iter().map(|given| property(given)).collect::<Result<Vec<_>, _>>()?;
    let library = match under_test(spec, properties) {
        Ok(library) => library,
        Err(why) => {
            say(out, &format!("{dll_name} cannot be tested: {why}\n"))?;
            return Ok(EXIT_UNTESTABLE);
        }
    };
    let chosen: Vec<&Case> = all_cases().filter(|case| is_chosen(options, case.name)).collect();
    let mut report = Report { file: dll_name.to_owned(), resource_type: library.spec.name.clone(), cases: Vec::new() };
    let mut remarks = Vec::new();
    let mut is_testable = true;
    for case in &chosen {
        if !is_json {
            say(out, &format!("{:<28} ", case.name))?;
        }
        let result = is_testable.then(|| run_case(case, &library, &mut remarks));
        let verdict = match result {
            None => Verdict::NotRun("the type cannot be opened at all".into()),
            Some(Ok(seen)) => Verdict::Passed(seen),
            Some(Err(problem)) => Verdict::Failed(problem),
        };
        is_testable &= case.name != cases::FIRST || matches!(verdict, Verdict::Passed(_));
        let done = CaseReport { name: case.name.into(), about: case.about.into(), verdict };
        if !is_json {
            say(out, &format!("{}\n", report::line(&done)))?;
        }
        report.cases.push(done);
    }
    second_look(&chosen, &library, &mut remarks);
    for done in report::judge(&remarks, is_testable) {
        if !is_json {
            say(out, &format!("{:<28} {}\n", done.name, report::line(&done)))?;
        }
        report.cases.push(done);
    }
    if is_json {
        say(out, &format!("{}\n", report.json()))?;
    } else {
        say(out, &format!("\n{}\n", report.summary()))?;
    }
    if let Some(path) = &options.junit {
        let xml = report.junit().and_then(|xml| std::fs::write(path, xml));
        xml.map_err(|error| Trouble::File { path: path.clone(), why: error.to_string() })?;
    }
    Ok(match (is_testable, report.has_failed()) {
        (false, _) => EXIT_UNTESTABLE,
        (true, true) => EXIT_BREAKS,
        (true, false) => EXIT_KEEPS,
    })
}

/// What is tested.
struct UnderTest {
    spec: TypeSpec,
    properties: Vec<(String, Value)>,
    /// All cases of a Windows DLL share one, each with monitors of its own in it.
    world: Option<Arc<CommandWorld>>,
}

/// A Windows DLL needs a world to live in; an error says why there is none.
fn under_test(spec: TypeSpec, properties: Vec<(String, Value)>) -> Result<UnderTest, String> {
    let is_windows = is_windows_dll(&spec.dll_name);
    let world = is_windows.then(|| CommandWorld::wake(&spec.dll_name).map(Arc::new)).transpose()?;
    Ok(UnderTest { spec, properties, world })
}

/// A call may have been slow because the machine was busy: only an entry point that is slow again is said to be.
fn second_look(cases: &[&Case], library: &UnderTest, remarks: &mut Vec<Remark>) {
    if !remarks.iter().any(|remark| matches!(remark, Remark::Slow(..))) {
        return;
    }
    let mut again = Vec::new();
    for case in cases {
        // What is wrong besides was judged the first time.
        let _ = run_case(case, library, &mut again);
    }
    let is_slow_again = |call: &str| again.iter().any(|remark| matches!(remark, Remark::Slow(name, _) if name == call));
    remarks.retain(|remark| !matches!(remark, Remark::Slow(call, _) if !is_slow_again(call)));
}

fn is_chosen(options: &LibraryTest, name: &str) -> bool {
    // Without the first case nothing is known about the others.
    name == cases::FIRST
        || options.only.as_deref().is_none_or(|text| {
            let is_whole_name = all_cases().any(|case| case.name == text);
            if is_whole_name { name == text } else { name.contains(text) }
        })
}

fn run_case(case: &Case, library: &UnderTest, remarks: &mut Vec<Remark>) -> Outcome {
    let folder = std::env::temp_dir().join(format!("wolfden-dll-test-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&folder).map_err(|error| format!("no folder for the test: {error}"))?;
    let mut bench = Bench {
        folder: folder.clone(),
        hive: Arc::default(),
        world: library.world.clone(),
        library: library.spec.clone(),
        properties: library.properties.clone(),
        remarks: Vec::new(),
        next_id: 1,
    };
    let outcome = (case.run)(&mut bench);
    remarks.append(&mut bench.remarks);
    // What is left of it is in the folder for temporary files.
    let _ = std::fs::remove_dir_all(&folder);
    outcome
}

/// `NAME=VALUE` or `NAME:TYPE=VALUE`.
fn property(given: &str) -> Result<(String, Value), Trouble> {
    let wrong = |why: &str| Trouble::Argument(format!("--property {given}: {why}"));
    let (name, value) = given.split_once('=').ok_or_else(|| wrong("write it as NAME=VALUE"))?;
    let (name, kind) = match name.split_once(':') {
        Some((name, kind)) => {
            let word = if kind.to_uppercase().starts_with("REG_") { kind.into() } else { format!("REG_{kind}") };
            (name, ValueType::parse(&word.to_uppercase()).map_err(|error| wrong(&error.to_string()))?)
        }
        None => (name, ValueType::SZ),
    };
    if name.is_empty() {
        return Err(wrong("the name is missing"));
    }
    let value = assign::value(kind, value).map_err(|error| wrong(&error.to_string()))?;
    Ok((name.to_owned(), value))
}

fn say(out: &mut dyn Write, text: &str) -> Result<(), Trouble> {
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|_| Trouble::NobodyReads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_have_types() {
        let read = |given: &str| property(given).map_err(|trouble| trouble.to_string());
        assert_eq!(read("Path=/x"), Ok(("Path".into(), Value::sz("/x"))));
        assert_eq!(read("Port:DWORD=7"), Ok(("Port".into(), Value::dword(7))));
        assert_eq!(read("Port:reg_dword=7"), Ok(("Port".into(), Value::dword(7))));
        assert_eq!(read("A=b=c"), Ok(("A".into(), Value::sz("b=c"))));
        for given in ["Path", "=x", "Port:DWORD=x", "Port:NUMBER=1"] {
            assert!(read(given).is_err_and(|why| why.contains(given)), "{given}");
        }
    }

    #[test]
    fn a_number_of_its_own() {
        assert_eq!(numbered(&Value::sz("/tmp/x-{}.lock"), 4), Value::sz("/tmp/x-4.lock"));
        assert_eq!(numbered(&Value::dword(4), 4), Value::dword(4));
    }

    #[test]
    fn every_case_has_its_own_name() {
        let mut names: Vec<_> = all_cases().map(|case| case.name).collect();
        assert_eq!(names[0], cases::FIRST);
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
