//! `npm run bench:memory [-- --json] [-- --data DIR]`: the memory's figures, a Gorilla crate beside them.
//! All times are CPU time of the thread, medians of the rounds: other processes on the machine change them least.

mod clock;
mod decode;
mod gorilla;
mod ingest;
mod labels;
mod pages;
mod query;
mod row;
mod scrape;
mod shard;
mod size;

use row::{Row, print_json, print_table};
use scrape::Scrape;
use std::path::PathBuf;

struct Options {
    json: bool,
    /// Folder with `node_exporter_10min.csv.gz`; without one the scrape is made up from a seed.
    data: Option<PathBuf>,
    /// Rows whose key has this in it.
    only: String,
}

fn main() {
    let options = match read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(reason) => {
            eprintln!("{reason}\nusage: bench:memory [--json] [--data DIR] [--only KEY]");
            std::process::exit(2);
        }
    };
    let scrape = options.data.as_deref().map_or_else(Scrape::made_up, Scrape::load);
    let benches: [(&str, &dyn Fn() -> Vec<Row>); 6] = [
        ("size", &|| size::bench(&scrape)),
        ("ingest", &ingest::bench),
        ("query", &query::bench),
        ("labels", &labels::bench),
        ("pages", &pages::bench),
        ("decode", &decode::bench),
    ];
    let wanted = benches.iter().filter(|(key, _)| key.contains(options.only.as_str()));
    let rows: Vec<Row> = wanted.flat_map(|(_, bench)| bench()).collect();
    if options.json { print_json(&rows) } else { print_table(&rows) }
}

fn read(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { json: false, data: None, only: String::new() };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} what?"));
        match argument.as_str() {
            "--json" => options.json = true,
            "--data" => options.data = Some(value()?.into()),
            "--only" => options.only = value()?,
            _ => return Err(format!("{argument} is unknown")),
        }
    }
    Ok(options)
}
