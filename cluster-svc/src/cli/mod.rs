//! The `cluster` command.
//!
//! It is a client of the REST API and knows no rule of clustering: it reads the command line (the present syntax in `args`,
//! that of cluster.exe in `legacy`), asks the cluster that it finds, and prints tables as the FailoverClusters cmdlets do,
//! or the JSON of the answer. Some of its commands are not requests: `demo` and `up` run a lab, `scenario` and `sim` run the
//! simulator, and the hidden ones are the processes that a lab is made of.

pub mod args;
mod assign;
mod client;
pub mod discover;
mod dll_findings;
mod dll_inspect;
mod dll_test;
mod groups;
mod history;
mod lab;
pub mod legacy;
mod nodes;
mod output;
mod quorum;
mod quorum_explore;
mod registry;
mod resources;
mod sample_web;
mod scenario;
mod session;
mod settings;
mod sim;
mod status;
mod trouble;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use self::args::{Cluster, Command};
use self::session::Session;
use self::trouble::Trouble;
use crate::api::refused::RefusalBody;

/// Exit code for a command line that cannot be read, as clap has it.
const EXIT_USAGE: u8 = 2;

/// The processes that a lab is made of: not for people, and not in the help.
const HIDDEN: &[&str] = &["service", "monitor", "wine", "guard", "sample-web"];

/// Runs the command line `arguments`, without the program's name.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(word) = arguments.first().and_then(|w| w.to_str()).filter(|w| HIDDEN.contains(w)) {
        return hidden(word, &arguments);
    }
    let words = match present_syntax(arguments) {
        Ok(words) => words,
        Err(text) => {
            eprintln!("cluster: {text}");
            return ExitCode::from(EXIT_USAGE);
        }
    };
    let cluster = match Cluster::try_parse_from(std::iter::once(OsString::from("cluster")).chain(words)) {
        Ok(cluster) => cluster,
        Err(error) => error.exit(),
    };
    run(cluster)
}

/// The argument list in the present syntax, whichever it came in.
fn present_syntax(arguments: Vec<OsString>) -> Result<Vec<OsString>, String> {
    // The old syntax is text; what is not text was not meant to be it.
    let texts: Option<Vec<String>> = arguments.iter().map(|a| a.to_str().map(str::to_owned)).collect();
    match texts.and_then(|texts| legacy::translate(&texts, verbs_of)) {
        Some(translated) => Ok(translated?.into_iter().map(OsString::from).collect()),
        None => Ok(legacy::cmdlet_switches(arguments)),
    }
}

/// The verbs of a noun, for telling the two syntaxes apart.
fn verbs_of(noun: &str) -> Vec<String> {
    let command = Cluster::command();
    let names = |c: &clap::Command| c.get_all_aliases().chain([c.get_name()]).map(str::to_owned).collect::<Vec<_>>();
    let noun = command.get_subcommands().find(|c| names(c).iter().any(|n| n == noun));
    noun.into_iter().flat_map(clap::Command::get_subcommands).flat_map(names).collect()
}

fn hidden(word: &str, arguments: &[OsString]) -> ExitCode {
    let rest = arguments.iter().skip(1).cloned();
    match word {
        "service" => {
            // `service run ...` and `service ...` are the same.
            let is_run = arguments.get(1).is_some_and(|w| w == "run");
            crate::service::main(rest.skip(usize::from(is_run)))
        }
        "monitor" => resmon::main(rest),
        "wine" => crate::driver::wine::launch::main(rest),
        "guard" => resmon::main(arguments.iter().cloned()),
        _ => sample_web::main(rest),
    }
}

fn run(cluster: Cluster) -> ExitCode {
    let Cluster { common, command } = cluster;
    match command {
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cluster::command(), "cluster", &mut std::io::stdout());
            ExitCode::SUCCESS
        }
        Command::Dll(args::Dll::Inspect(options)) => {
            exit(dll_inspect::run(&options, common.json, &mut std::io::stdout().lock()), common.json)
        }
        Command::Dll(args::Dll::Test(options)) => {
            exit(dll_test::run(&options, common.json, &mut std::io::stdout().lock()), common.json)
        }
        Command::Demo(demo) => lab::demo(&demo),
        Command::Up(up) => lab::up(&up),
        Command::Scenario(verb) => exit(scenario::run(&verb, common.json, &mut std::io::stdout().lock()), common.json),
        Command::Sim(options) => {
            let (mut out, mut aside) = (std::io::stdout().lock(), std::io::stderr());
            exit(sim::run(&options, common.json, &mut out, &mut aside), common.json)
        }
        Command::Quorum(args::Quorum::Explore(options)) => {
            exit(quorum_explore::run(&options, common.json, &mut std::io::stdout().lock()), common.json)
        }
        command => {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => {
                    eprintln!("cluster: the system gives no event loop: {error}");
                    return ExitCode::FAILURE;
                }
            };
            let session = Session::new(&common, Box::new(std::io::stdout()));
            report(runtime.block_on(async { carry_out(&session?, command).await }), common.json)
        }
    }
}

async fn carry_out(session: &Session, command: Command) -> Result<(), Trouble> {
    match command {
        Command::Status => status::show(session).await,
        Command::Node(verb) => nodes::run(session, verb).await,
        Command::Group(verb) => groups::run(session, verb).await,
        Command::Resource(verb) => resources::run(session, verb).await,
        Command::Restype(verb) => settings::restype(session, verb).await,
        Command::Network(args::Network::List) => settings::networks(session).await,
        Command::Quorum(args::Quorum::Show) => quorum::show(session).await,
        Command::Quorum(args::Quorum::Set(given)) => quorum::set(session, given).await,
        Command::Quorum(args::Quorum::Explain(given)) => quorum::explain(session, &given).await,
        Command::Names => settings::names(session).await,
        Command::Properties(given) => settings::cluster_properties(session, &given.values).await,
        Command::Registry(verb) => registry::run(session, verb).await,
        Command::Log(log) => history::log(session, &log).await,
        Command::Events(events) => history::events(session, &events).await,
        Command::Lab(verb) => lab::run(session, verb).await,
        Command::Quorum(args::Quorum::Explore(_)) => Ok(()),
        Command::Dll(args::Dll::Findings) => dll_findings::findings(session).await,
        Command::Dll(args::Dll::Guard(given)) => dll_findings::guard(session, &given).await,
        Command::Dll(args::Dll::Inspect(_) | args::Dll::Test(_)) => Ok(()),
        Command::Demo(_) | Command::Up(_) | Command::Scenario(_) | Command::Sim(_) | Command::Completions { .. } => {
            Ok(())
        }
    }
}

/// The exit code of what has one of its own.
fn exit(result: Result<u8, Trouble>, is_json: bool) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(trouble) => report(Err(trouble), is_json),
    }
}

/// Tells what went wrong, and turns it into the exit code. Whoever asked for JSON gets a refusal as JSON as well.
fn report(result: Result<(), Trouble>, is_json: bool) -> ExitCode {
    match result {
        Ok(()) | Err(Trouble::NobodyReads) => ExitCode::SUCCESS,
        Err(Trouble::Refused(error)) if is_json => {
            let exit_code = Trouble::Refused(error.clone()).exit_code();
            eprintln!("{}", serde_json::to_string(&RefusalBody { error }).unwrap_or_default());
            ExitCode::from(exit_code)
        }
        Err(trouble) => {
            eprintln!("cluster: {trouble}");
            ExitCode::from(trouble.exit_code())
        }
    }
}

#[cfg(test)]
mod commands_tests;
#[cfg(test)]
mod simulator_tests;
#[cfg(test)]
mod tests;
