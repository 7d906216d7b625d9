//! Playing a script: the steps one after the other, on whatever stage there is.

use cluster_engine::{Millis, Refusal};

use super::Failure;
use super::entry::Entry;
use super::opening::Opening;
use super::script::{Act, Condition, Fault, Moment, Order, Preparation, Script, Step, StepKind};

/// Where a script can be played: the simulated world, or a laboratory of real processes.
///
/// The methods are called in the order of the script: preparations and acts, `begin` once, then the story. An error of
/// any of them is a sentence for people; it ends the story, because what follows would make no sense.
pub trait Stage {
    /// Builds a part of the cluster and waits until it is there.
    ///
    /// # Errors
    /// When it cannot be built.
    fn prepare(&mut self, what: &Preparation) -> Result<(), String>;

    /// The story begins: waits until everything is at rest, then starts clock and log.
    ///
    /// # Errors
    /// When it does not come to rest.
    fn begin(&mut self) -> Result<(), String>;

    /// Lets time pass.
    ///
    /// # Errors
    /// When that moment is over already, or a promise was broken on the way.
    fn pass(&mut self, to: Moment) -> Result<(), String>;

    /// Asks the cluster for something and waits for the answer. `text`: as it was written, for the log.
    ///
    /// # Errors
    /// The refusal, inside; outside, when a promise was broken.
    fn ask(&mut self, order: &Order, text: &str) -> Result<Result<(), Refusal>, String>;

    /// Does something to the cluster. `text`: as it was written, for the log.
    ///
    /// # Errors
    /// When it cannot be done, e.g. to fail what does not run.
    fn strike(&mut self, fault: &Fault, text: &str) -> Result<(), String>;

    /// A client writes at this node and waits for the answer, which a [`Condition::Write`] asks about. `text`: as it was
    /// written, for the log.
    ///
    /// # Errors
    /// When a promise was broken.
    fn write(&mut self, node: &str, text: &str) -> Result<(), String>;

    /// Waits until a condition holds.
    ///
    /// # Errors
    /// When it does not hold in time, with what is true instead.
    fn wait(&mut self, condition: &Condition, within: Millis) -> Result<(), String>;

    /// Does a condition hold now? `Err` says what is true instead.
    ///
    /// # Errors
    /// What is true instead.
    fn look(&mut self, condition: &Condition) -> Result<(), String>;

    /// Does a condition not hold now? A stage on which news take a while waits for it.
    ///
    /// # Errors
    /// When it holds.
    fn look_not(&mut self, condition: &Condition) -> Result<(), String> {
        match self.look(condition) {
            Err(_) => Ok(()),
            Ok(()) => Err("but it is so".to_owned()),
        }
    }

    /// The last line is over: holds against the stage what must be true at the end of any story.
    ///
    /// # Errors
    /// The promise that was broken.
    fn end(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// How things stood at `begin`; `None` before.
    fn opening(&self) -> Option<&Opening>;

    /// What was done and told since `begin`.
    fn entries(&self) -> &[Entry];
}

/// Plays a script. Returns what went otherwise than it says; empty when all is well.
pub fn play(script: &Script, stage: &mut dyn Stage) -> Vec<Failure> {
    let mut failures = Vec::new();
    for step in &script.steps {
        match play_step(step, stage) {
            Ok(()) => {}
            Err(Stop::No(text)) => failures.push(Failure::at(step.line, format!("{}: {text}", step.text))),
            Err(Stop::Yes(text)) => {
                failures.push(Failure::at(step.line, format!("{}: {text}", step.text)));
                return failures;
            }
        }
    }
    if let Err(text) = stage.end() {
        failures.push(Failure::at(script.steps.last().map_or(1, |step| step.line), text));
    }
    failures
}

/// Does a failure end the story?
enum Stop {
    /// An expectation was wrong; the story goes on.
    No(String),
    /// What follows makes no sense.
    Yes(String),
}

fn play_step(step: &Step, stage: &mut dyn Stage) -> Result<(), Stop> {
    match &step.kind {
        StepKind::Prepare(what) => stage.prepare(what).map_err(Stop::Yes),
        StepKind::Begin => stage.begin().map_err(Stop::Yes),
        StepKind::Pass(to) => stage.pass(*to).map_err(Stop::Yes),
        StepKind::Act(Act::Fault(fault)) => stage.strike(fault, &step.text).map_err(Stop::Yes),
        StepKind::Act(Act::Write(node)) => stage.write(node, &step.text).map_err(Stop::Yes),
        StepKind::Act(Act::Order(order)) => match stage.ask(order, &step.text).map_err(Stop::Yes)? {
            Ok(()) => Ok(()),
            Err(refusal) => Err(Stop::Yes(format!("was refused with {}: {}", refusal.code, refusal.message))),
        },
        StepKind::Refused { code, order } => {
            let text = step.text.split_once(": ").map_or(step.text.as_str(), |(_, asked)| asked);
            match stage.ask(order, text).map_err(Stop::Yes)? {
                Err(refusal) if refusal.code == *code => Ok(()),
                Err(refusal) => Err(Stop::No(format!("was refused, but with {}: {}", refusal.code, refusal.message))),
                Ok(()) => Err(Stop::No("was accepted".to_owned())),
            }
        }
        StepKind::Until { condition, within } => stage.wait(condition, *within).map_err(Stop::Yes),
        StepKind::Expect(condition) => stage.look(condition).map_err(Stop::No),
        StepKind::ExpectNot(condition) => stage.look_not(condition).map_err(Stop::No),
    }
}
