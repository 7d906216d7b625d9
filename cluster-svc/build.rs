//! Builds the dashboard page, which the binary embeds.
//!
//! The page is a Svelte project in `web-ui`. When its `dist` folder is newer than its sources there is nothing to do, and
//! nothing is asked of the network. Otherwise npm builds it. The page never stops the Rust build: when Node is missing or
//! the page does not build, a warning says so and the binary serves a plain page that tells how to get the dashboard.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// What the page is made of, relative to `web-ui`.
const SOURCES: &[&str] = &[
    "src",
    "public",
    "index.html",
    "package.json",
    "package-lock.json",
    "vite.config.ts",
    "svelte.config.js",
    "tsconfig.json",
];

/// Set this variable to leave the page as it is.
const SKIP_VARIABLE: &str = "WOLFDEN_SKIP_PAGE";

fn main() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web-ui");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", page.join(source).display());
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={SKIP_VARIABLE}");
    if std::env::var_os(SKIP_VARIABLE).is_some() || !page.join("package.json").exists() {
        return;
    }
    if let Err(problem) = build(&page) {
        println!("cargo::warning=The dashboard was not built: {problem} The binary will serve a plain page instead.");
    }
}

/// Brings `dist` up to date.
fn build(page: &Path) -> Result<(), String> {
    let built = modified(&page.join("dist/index.html"));
    let newest = SOURCES.iter().filter_map(|source| newest_below(&page.join(source))).max();
    if built.is_some() && built >= newest {
        return Ok(());
    }
    let installed = modified(&page.join("node_modules/.package-lock.json"));
    if installed.is_none() || installed < modified(&page.join("package.json")) {
        // Exactly the locked versions where there is a lock file; otherwise whatever fits.
        npm(page, &["ci", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1"])
            .or_else(|_| npm(page, &["install", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1"]))?;
    }
    npm(page, &["run", "build"])
}

fn npm(page: &Path, arguments: &[&str]) -> Result<(), String> {
    let run = Command::new("npm").args(arguments).current_dir(page).output();
    let output = run.map_err(|e| format!("npm cannot be started ({e}); install Node.js 20 or newer."))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let said: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(3).collect();
    Err(format!("`npm {}` failed: {}.", arguments.join(" "), said.join("; ")))
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|m| m.modified()).ok()
}

/// The newest change of a file, or of anything in a folder.
fn newest_below(path: &Path) -> Option<SystemTime> {
    let mut newest = None;
    let mut open: Vec<PathBuf> = vec![path.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
            open.extend(entries.map(|entry| entry.path()));
        } else {
            newest = newest.max(modified(&path));
        }
    }
    newest
}
