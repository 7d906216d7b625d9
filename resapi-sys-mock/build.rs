//! Compiles the C shim that receives the variable arguments of `LogEvent`.

fn main() {
    println!("cargo::rerun-if-changed=shim/log_event.c");
    cc::Build::new().file("shim/log_event.c").warnings(true).compile("resapi_log_event");
}
