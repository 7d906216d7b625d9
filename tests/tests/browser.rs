//! The dashboard in a real browser against a real lab with the sample groups: the steps are in `web-ui/e2e/dashboard.mjs`.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use wolfden_tests::ground::Ground;
use wolfden_tests::lab::Lab;
use wolfden_tests::{figure, missing, programs};

/// How long all steps may take together.
const LIMIT: Duration = Duration::from_secs(600);
/// Where a browser usually is; the variable CHROMIUM goes before.
const BROWSERS: [&str; 5] = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/usr/bin/google-chrome-stable",
    "/snap/bin/chromium",
];

#[test]
fn the_dashboard_shows_and_drives_a_demo() {
    let page = programs::root().join("web-ui");
    let named = std::env::var_os("CHROMIUM").is_some_and(|path| Path::new(&path).exists());
    if !named && !BROWSERS.iter().any(|path| Path::new(path).exists()) {
        return missing("chromium");
    }
    if Command::new("node").arg("--version").output().is_err() {
        return missing("node");
    }
    if !page.join("node_modules/playwright-core").exists() {
        return missing("playwright-core (npm ci in web-ui)");
    }
    let ground = Ground::new();
    let lab = Lab::demo(&ground);
    let mut command = Command::new("node");
    command.arg("e2e/dashboard.mjs").current_dir(&page).env("WOLFDEN_URL", lab.url());
    // What the browser writes goes with the ground.
    command.env("TMPDIR", ground.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let begun = Instant::now();
    let (is_good, text) = watched(command.spawn().expect("node can be started"));
    assert!(is_good, "{text}");
    let summary = text.lines().rev().find(|line| line.contains(" passed, ")).expect("the steps are counted").to_owned();
    figure(&format!("dashboard in a browser: {summary} in {} s", begun.elapsed().as_secs()));
    assert!(summary.ends_with(" 0 failed") && !summary.starts_with("0 "), "{text}");
    lab.end();
}

/// Waits for the end of a process, not too long; the result is whether it ended well, and what it printed.
fn watched(mut child: Child) -> (bool, String) {
    let read = |from: Option<Box<dyn Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // What cannot be read is missing in the message, nothing else.
            let _ = from.map(|mut from| from.read_to_end(&mut bytes));
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let out = read(child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    let err = read(child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    let begun = Instant::now();
    let ended = loop {
        match child.try_wait().expect("ours") {
            Some(status) => break Some(status),
            None if begun.elapsed() > LIMIT => {
                child.kill().expect("ours");
                child.wait().expect("ours");
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    let text = format!("{}{}", out.join().unwrap_or_default(), err.join().unwrap_or_default());
    (ended.is_some_and(|status| status.success()), text)
}
