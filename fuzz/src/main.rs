//! Runs the targets for a bounded time: `wolfden-fuzz [--seconds N] [--seed N] [TARGET...]`, or one target with one input:
//! `wolfden-fuzz --input HEX TARGET`.
//!
//! Exit code 0: nothing was found. 1: an input broke a promise; the line that gives the same input again is printed. 2: the
//! words on the command line mean nothing.
#![forbid(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use wolfden_fuzz::mutation::{Draw, input};
use wolfden_fuzz::targets::{ALL, Target};

/// How long each target runs when nothing is said.
const SECONDS: u64 = 10;
/// Inputs between two looks at the clock.
const INPUTS_PER_LOOK: u64 = 256;

const USAGE: &str = "usage: wolfden-fuzz [--seconds N] [--seed N] [TARGET...]\n       wolfden-fuzz --input HEX TARGET";

#[derive(Debug)]
struct Options {
    time: Duration,
    seed: u64,
    /// The only input, for exactly one target.
    input: Option<Vec<u8>>,
    targets: Vec<&'static Target>,
}

fn options(words: impl IntoIterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { time: Duration::from_secs(SECONDS), seed: 1, input: None, targets: Vec::new() };
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let mut value = |what: &str| words.next().ok_or_else(|| format!("{what} needs a value"));
        let number = |text: String| text.parse::<u64>().map_err(|_| format!("{text} is no number"));
        match word.as_str() {
            "--seconds" => options.time = Duration::from_secs(number(value("--seconds")?)?),
            "--seed" => options.seed = number(value("--seed")?)?,
            "--input" => options.input = Some(bytes_of(&value("--input")?)?),
            name => {
                let known: Vec<&str> = ALL.iter().map(|target| target.name).collect();
                let target = ALL.iter().find(|target| target.name == name);
                let unknown = || format!("{name} is no target; there are {}", known.join(", "));
                options.targets.push(target.ok_or_else(unknown)?);
            }
        }
    }
    if options.input.is_some() && options.targets.len() != 1 {
        return Err("--input is for one target: name it".into());
    }
    if options.targets.is_empty() {
        options.targets = ALL.iter().collect();
    }
    Ok(options)
}

fn bytes_of(hex: &str) -> Result<Vec<u8>, String> {
    let pairs = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok().filter(|text| text.len() == 2)?;
        u8::from_str_radix(text, 16).ok()
    };
    pairs.map(|pair| byte(pair).ok_or_else(|| format!("{hex} is not hexadecimal, two digits for each byte"))).collect()
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("wolfden-fuzz: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut is_good = true;
    for target in &options.targets {
        is_good &= match &options.input {
            Some(input) => check(target, input).is_some(),
            None => run(target, &options),
        };
    }
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether the input was accepted; `None`, and told, when it broke a promise.
fn check(target: &Target, bytes: &[u8]) -> Option<bool> {
    let accepted = catch_unwind(AssertUnwindSafe(|| (target.check)(bytes))).ok();
    if accepted.is_none() {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        println!("{}: an input breaks a promise; again: wolfden-fuzz --input {hex} {}", target.name, target.name);
    }
    accepted
}

/// True: nothing was found.
fn run(target: &Target, options: &Options) -> bool {
    let seeds = (target.seeds)();
    let mut draw = Draw::new(options.seed);
    let begin = Instant::now();
    let (mut count, mut accepted) = (0_u64, 0_u64);
    while !count.is_multiple_of(INPUTS_PER_LOOK) || begin.elapsed() < options.time {
        let Some(is_accepted) = check(target, &input(&mut draw, &seeds, target.words)) else { return false };
        accepted += u64::from(is_accepted);
        count += 1;
    }
    println!("{}: {count} inputs, {accepted} of them accepted, nothing found (seed {})", target.name, options.seed);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        options(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn words_are_understood_or_refused_with_the_reason() {
        let all = read("").expect("nothing is fine");
        assert_eq!((all.targets.len(), all.seed, all.time.as_secs()), (ALL.len(), 1, SECONDS));
        let one = read("--seed 7 --seconds 1 frames").expect("good words");
        assert_eq!((one.targets.len(), one.seed, one.time.as_secs()), (1, 7, 1));
        assert_eq!(read("--input 00fF frames").expect("good words").input, Some(vec![0, 0xFF]));
        for (line, why) in [
            ("--seed", "needs a value"),
            ("--seconds x", "x is no number"),
            ("nonsense", "there are property-list, reg-text, frames, dependencies"),
            ("--input 0 frames", "hexadecimal"),
            ("--input \u{e9} frames", "hexadecimal"),
            ("--input 00", "one target"),
        ] {
            let said = read(line).expect_err(line);
            assert!(said.contains(why), "{line}: {said}");
        }
    }

    #[test]
    fn a_broken_promise_is_found() {
        let breaks = |bytes: &[u8]| {
            assert!(bytes.len() < 4, "a promise");
            true
        };
        let target = Target { name: "broken", seeds: || vec![vec![0; 3]], words: &[b"more"], check: breaks };
        assert_eq!(check(&target, &[1]), Some(true));
        assert_eq!(check(&target, &[1; 5]), None);
        assert!(!run(&target, &read("--seconds 60").expect("good words")));
    }
}
