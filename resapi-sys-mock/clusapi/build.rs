//! Gives the library its name for the loader, so that `libresutils` and programs find it by that name.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libclusapi.so");
}
