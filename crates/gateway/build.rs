//! Has the program built again when the web client was: a release has the client's files in it.

use std::path::Path;

/// Where `npm run build` leaves the client.
const CLIENT: &str = "../../web/dist";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Any other build reads the files when it runs.
    if std::env::var("PROFILE").as_deref() == Ok("release") {
        // A path that is not there counts as changed each time; the directory it is to be in does not.
        let watched = if Path::new(CLIENT).exists() { CLIENT } else { "../../web" };
        println!("cargo:rerun-if-changed={watched}");
    }
}
