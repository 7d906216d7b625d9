//! `cluster scenario`: stories that are played in the simulator, or with `--real` in a lab of real processes that is
//! started for them. No cluster is needed.
//!
//! Files are read and written here; what they mean and how results look is the simulator's business
//! ([`cluster_sim::scenario`], [`cluster_sim::report`]).

mod limits;
mod real;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use cluster_sim::report::{Played, StageKind, html, junit, scenarios};
use cluster_sim::scenario::{self, Failure, Report, SCENARIO_BYTES, Verdict, golden};

use self::real::{RealOptions, play_real};

use super::args::{Run, Scenario};
use super::trouble::Trouble;

/// Something went otherwise than a scenario says.
const EXIT_FAILED: u8 = 1;
/// A file cannot be read, its script not be understood or not be played.
const EXIT_UNREADABLE: u8 = 2;
/// The library that plays the resources of a scenario.
const LIBRARY: &str = if cfg!(target_os = "macos") { "libstand_in.dylib" } else { "libstand_in.so" };

/// Carries out the verb. Returns the exit code.
pub(super) fn run(verb: &Scenario, is_json: bool, out: &mut dyn Write) -> Result<u8, Trouble> {
    match verb {
        Scenario::Run(options) => play(options, is_json, out),
        Scenario::Check { files } => check(files, is_json, out),
        Scenario::Forms if is_json => {
            let forms: Vec<&str> = scenario::forms().collect();
            say(out, &format!("{}\n", serde_json::json!(forms)))?;
            Ok(0)
        }
        Scenario::Forms => {
            say(out, &scenarios::form_list())?;
            Ok(0)
        }
    }
}

fn play(options: &Run, is_json: bool, out: &mut dyn Write) -> Result<u8, Trouble> {
    let mut all = Vec::new();
    let mut is_interrupted = false;
    for file in &options.files {
        if is_interrupted {
            break;
        }
        let (played, kept) = match options.real {
            false => (play_file(file, options.update)?, None),
            true => {
                let (played, kept, interrupted) = play_file_real(file, options.keep)?;
                is_interrupted = interrupted;
                (played, kept)
            }
        };
        say(out, &if is_json { scenarios::json(&played) } else { scenarios::text(&played) })?;
        if options.log && !is_json {
            say(out, &played.report.log.iter().fold(String::new(), |text, line| text + line + "\n"))?;
        }
        if let Some(kept) = kept {
            eprintln!("kept: {}", kept.display());
        }
        all.push(played);
    }
    let verdicts: Vec<Verdict> = all.iter().map(|p| p.report.verdict).collect();
    if !is_json && all.len() > 1 {
        say(out, &scenarios::summary(&verdicts))?;
    }
    if let Some(file) = &options.junit {
        let xml = junit::xml(&all).map_err(|error| trouble(file, &error))?;
        write(file, &xml)?;
    }
    if let Some(file) = &options.html {
        write(file, &html::page(&all))?;
    }
    Ok(if is_interrupted { EXIT_UNREADABLE } else { exit_code(&verdicts) })
}

/// Plays a file with real processes. Also: the directory that was kept, and whether a signal broke it off.
fn play_file_real(file: &Path, keep: bool) -> Result<(Played, Option<PathBuf>, bool), Trouble> {
    let stage = StageKind::Real;
    let played =
        |text: String, report| Played { file: file.display().to_string(), text, report, updated: false, stage };
    let text = match read(file) {
        Ok(text) => text,
        Err(failure) => return Ok((played(String::new(), Report::unreadable(vec![failure])), None, false)),
    };
    let script = scenario::read(&text).and_then(|script| match limits::refusals(&script) {
        refusals if refusals.is_empty() => Ok(script),
        refusals => Err(refusals),
    });
    let script = match script {
        Ok(script) => script,
        Err(failures) => return Ok((played(text, Report::unreadable(failures)), None, false)),
    };
    let library = library().ok_or_else(|| {
        Trouble::Argument(format!("{LIBRARY} is not beside this executable; build it with `cargo build -p stand-in`"))
    })?;
    let options = RealOptions { folder: std::env::temp_dir(), library, keep };
    match play_real(&script, &options) {
        Ok(done) => Ok((played(text, done.report), done.kept, done.is_interrupted)),
        Err(why) => Ok((played(text, Report::unreadable(vec![Failure::at(1, why)])), None, false)),
    }
}

/// The library of the resources, where `cargo build` puts it: beside the executable, one folder up from a test's, or in
/// `deps` of either. The newest counts.
fn library() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let folders = own.ancestors().skip(1).take(2).flat_map(|folder| [folder.to_owned(), folder.join("deps")]);
    let built = |path: &PathBuf| path.metadata().and_then(|found| found.modified()).ok();
    folders.map(|folder| folder.join(LIBRARY)).filter(|path| path.is_file()).max_by_key(built)
}

fn play_file(file: &Path, update: bool) -> Result<Played, Trouble> {
    let name = file.display().to_string();
    let text = match read(file) {
        Ok(text) => text,
        Err(failure) => {
            let (report, stage) = (Report::unreadable(vec![failure]), StageKind::Simulated);
            return Ok(Played { file: name, text: String::new(), report, updated: false, stage });
        }
    };
    let report = scenario::run(&text);
    if update && report.verdict != Verdict::Unreadable {
        let new = golden::rewritten(&text, &report.log);
        // Played again: what is left now is wrong with the story, and then the old log is worth keeping.
        let again = scenario::run(&new);
        if again.verdict == Verdict::Passed && new != text {
            replace(file, &new)?;
            return Ok(Played { file: name, text: new, report: again, updated: true, stage: StageKind::Simulated });
        }
    }
    Ok(Played { file: name, text, report, updated: false, stage: StageKind::Simulated })
}

fn check(files: &[PathBuf], is_json: bool, out: &mut dyn Write) -> Result<u8, Trouble> {
    let mut verdicts = Vec::new();
    for file in files {
        let parsed = read(file).map_err(|failure| vec![failure]);
        let parsed = parsed.and_then(|text| scenario::parse(golden::split(&text).0));
        let name = file.display().to_string();
        let (word, failures, lines) = match parsed {
            Ok(script) => ("readable", Vec::new(), script.steps.len()),
            Err(failures) => ("UNREADABLE", failures, 0),
        };
        verdicts.push(if failures.is_empty() { Verdict::Passed } else { Verdict::Unreadable });
        if is_json {
            let failures: Vec<_> = failures
                .iter()
                .map(|f| serde_json::json!({ "line": f.line, "column": f.column, "text": f.text }))
                .collect();
            let verdict = word.to_lowercase();
            let object = serde_json::json!({ "file": name, "verdict": verdict, "steps": lines, "failures": failures });
            say(out, &format!("{object}\n"))?;
        } else {
            say(out, &format!("{word:<10} {name}\n{}", scenarios::failures(&failures)))?;
        }
    }
    Ok(exit_code(&verdicts))
}

fn exit_code(verdicts: &[Verdict]) -> u8 {
    let code = |verdict: &Verdict| match verdict {
        Verdict::Passed => 0,
        Verdict::Failed => EXIT_FAILED,
        Verdict::Unreadable => EXIT_UNREADABLE,
    };
    verdicts.iter().map(code).max().unwrap_or(0)
}

/// The text of a file, not more of it than a scenario may have.
fn read(file: &Path) -> Result<String, Failure> {
    let failure = |text: String| Failure::at(1, text);
    if file.is_dir() {
        let example = file.join("*.scenario");
        return Err(failure(format!("this is a folder; name files, such as {}", example.display())));
    }
    let limit = u64::try_from(SCENARIO_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(limit).read_to_end(&mut bytes))
        .map_err(|error| failure(format!("cannot be read: {error}")))?;
    if bytes.len() > SCENARIO_BYTES {
        return Err(failure(format!("a scenario file has at most {SCENARIO_BYTES} bytes; this one has more")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count();
        Failure::at(line, "this is no UTF-8 text; save the file as UTF-8".to_owned())
    })
}

/// Puts the new text in place of a user's file: whole or not at all.
fn replace(file: &Path, text: &str) -> Result<(), Trouble> {
    // What a link points to is replaced, not the link.
    let file = &fs::canonicalize(file).map_err(|error| trouble(file, &error))?;
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = file.with_file_name(name);
    let written = fs::write(&new, text)
        .and_then(|()| fs::set_permissions(&new, fs::metadata(file)?.permissions()))
        .and_then(|()| fs::rename(&new, file));
    written.map_err(|error| {
        // Nothing of it is left lying about; that it may not be there is all right.
        let _ = fs::remove_file(&new);
        trouble(file, &error)
    })
}

fn write(file: &Path, text: &str) -> Result<(), Trouble> {
    fs::write(file, text).map_err(|error| trouble(file, &error))
}

fn trouble(file: &Path, error: &std::io::Error) -> Trouble {
    Trouble::File { path: file.to_owned(), why: error.to_string() }
}

/// Prints; whoever closed the pipe has seen enough.
pub(super) fn say(out: &mut dyn Write, text: &str) -> Result<(), Trouble> {
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|_| Trouble::NobodyReads)
}
