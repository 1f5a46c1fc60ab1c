//! Link options of the addon.

fn main() {
    // Without it an addon that only worker threads loaded is unmapped before its thread-local destructors run.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
