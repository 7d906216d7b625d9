//! Gives the library its name for the loader, so that `libresutils` and programs find it by that name.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A Windows DLL has its name from its file.
    if std::env::var_os("CARGO_CFG_WINDOWS").is_some() {
        return;
    }
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libclusapi.so");
}
