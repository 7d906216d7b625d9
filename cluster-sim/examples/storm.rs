//! Runs one storm and prints its trace: `cargo run --release -p cluster-sim --example storm -- SEED [freezing|parting|dying]`.

use cluster_engine::EngineSabotage;
use cluster_sim::storm::{self, Settings};

fn main() {
    let seed = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    let settings = Settings::draw(seed);
    let settings = match std::env::args().nth(2).as_deref() {
        Some("freezing") => settings.freezing(),
        Some("parting") => settings.parting(),
        Some("dying") => settings.dying(),
        _ => settings,
    };
    println!("{settings:?}");
    let (outcome, trace) = storm::run(settings, EngineSabotage::default(), true);
    println!("{}", trace.unwrap_or_default());
    println!("{outcome:?}");
}
