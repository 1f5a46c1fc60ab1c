//! The memory's figures, a Gorilla crate beside them, as one JSON object. `npm run bench:memory` runs it, asks other peers the same
//! and prints the table.
//! All times are CPU time of the thread, medians of the rounds: other processes on the machine change them least.

mod clock;
mod decode;
mod gorilla;
mod hand_over;
mod ingest;
mod instructions;
mod labels;
mod made_up;
mod pages;
mod query;
mod records;
mod row;
mod sets;
mod shard;
mod size;

use row::{Row, print};
use std::path::PathBuf;

const USAGE: &str =
    "usage: benches [--only GROUP] [--sets DIR] [--hand-over DIR], or benches operations, or benches count OPERATION";

struct Options {
    /// One group of rows.
    only: Option<String>,
    /// Sets whose samples are stored and counted; without it that group is left out.
    sets: Option<PathBuf>,
    /// Where the samples, questions and answers of queries are written.
    hand_over: Option<PathBuf>,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["operations"] => return instructions::list(),
        ["count", operation] => return instructions::run(operation).unwrap_or_else(|reason| refuse(&reason)),
        _ => {}
    }
    let options = read(words.into_iter()).unwrap_or_else(|reason| refuse(&reason));
    let sets = || options.sets.as_deref().map_or_else(Vec::new, sets::load);
    let groups: [(&str, &dyn Fn() -> Vec<Row>); 7] = [
        ("size", &|| size::bench(&sets())),
        ("ingest", &ingest::bench),
        ("query", &|| query::bench(options.hand_over.as_deref())),
        ("labels", &labels::bench),
        ("pages", &pages::bench),
        ("decode", &decode::bench),
        ("records", &records::bench),
    ];
    let wanted = |name: &str| options.only.as_deref().is_none_or(|only| only == name);
    let rows: Vec<Row> = groups.iter().filter(|(name, _)| wanted(name)).flat_map(|(_, bench)| bench()).collect();
    if !groups.iter().any(|(name, _)| wanted(name)) {
        refuse(&format!("the groups are {}", groups.map(|(name, _)| name).join(", ")));
    }
    print(&rows);
}

fn refuse(reason: &str) -> ! {
    eprintln!("{reason}\n{USAGE}");
    std::process::exit(2)
}

fn read(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { only: None, sets: None, hand_over: None };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} what?"));
        match argument.as_str() {
            "--only" => options.only = Some(value()?),
            "--sets" => options.sets = Some(value()?.into()),
            "--hand-over" => options.hand_over = Some(value()?.into()),
            _ => return Err(format!("{argument} is unknown")),
        }
    }
    Ok(options)
}
