//! `sample-web`: the small web service of the sample group "Web", run by a Generic Application resource.
//!
//! It says on which node it runs, in which process and since when, and counts its visitors: whoever reloads the page during
//! a failover sees the node and the process change and the counter begin anew.

use std::ffi::OsString;
use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use clap::Parser;
use serde_json::{Value, json};

/// The variable in which a monitor tells what it starts the name of the node.
const NODE_VARIABLE: &str = "WOLFDEN_NODE";

/// The options of `sample-web`.
#[derive(Debug, Parser)]
#[command(name = "sample-web", disable_version_flag = true)]
struct Options {
    /// Address to listen on.
    #[arg(long)]
    address: IpAddr,
    /// Port to listen on.
    #[arg(long)]
    port: u16,
}

struct Sample {
    node: String,
    started: jiff::Timestamp,
    visitors: AtomicU64,
}

/// Runs the sample until it is killed.
pub(super) fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words = std::iter::once(OsString::from("sample-web")).chain(arguments);
    let options = match Options::try_parse_from(words) {
        Ok(options) => options,
        Err(error) => error.exit(),
    };
    let result =
        tokio::runtime::Builder::new_current_thread().enable_all().build().and_then(|r| r.block_on(serve(&options)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sample-web: {}:{}: {error}", options.address, options.port);
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: &Options) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind((options.address, options.port)).await?;
    let sample = Sample {
        node: std::env::var(NODE_VARIABLE).unwrap_or_else(|_| "unknown".to_owned()),
        started: jiff::Timestamp::now(),
        visitors: AtomicU64::new(0),
    };
    println!("serving http://{}/", listener.local_addr()?);
    axum::serve(listener, Router::new().fallback(get(answer)).with_state(Arc::new(sample))).await
}

async fn answer(State(sample): State<Arc<Sample>>) -> Json<Value> {
    Json(json!({
        "Node": sample.node,
        "ProcessId": std::process::id(),
        "Started": format!("{:.0}", sample.started),
        "Time": format!("{:.3}", jiff::Timestamp::now()),
        "Visitor": sample.visitors.fetch_add(1, Ordering::Relaxed) + 1,
    }))
}
