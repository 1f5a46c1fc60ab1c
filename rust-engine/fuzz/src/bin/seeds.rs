//! Writes the seeds of a target into a folder, and its words as a dictionary beside them: `seeds <target> <folder>`.

use fuzz::TARGETS;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let named = |name: &str| TARGETS.iter().find(|target| target.name == name);
    let (Some(target), Some(folder)) = (arguments.first().and_then(|name| named(name)), arguments.get(1)) else {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("seeds <target> <folder>; targets: {}", names.join(" "));
        return ExitCode::from(2);
    };
    let folder = PathBuf::from(folder);
    let written = std::fs::create_dir_all(&folder).and_then(|()| {
        for (n, seed) in (target.seeds)().iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{n:02}")), seed)?;
        }
        let mut words = String::new();
        for word in target.words {
            let escaped = word.replace('\\', "\\\\").replace('"', "\\\"");
            writeln!(words, "\"{escaped}\"").map_err(std::io::Error::other)?;
        }
        std::fs::write(folder.with_extension("dict"), words)
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}
