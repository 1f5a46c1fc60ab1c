//! Every target over its seeds, the inputs kept in `corpus` and `regressions`, and changes to all of them. The seed is
//! printed; `SEED` sets it, `FUZZ_CASES` how many changed inputs each target gets. What breaks a target is kept as a file in
//! `regressions`, so that the next run begins with it.

use fuzz::mutation::{Random, mutate};
use fuzz::{TARGETS, Target};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

const CASES: u64 = 20_000;
const INPUT_BYTES_MAX: usize = 4_096;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn folder(of: &str, target: &Target) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(of).join(target.name)
}

fn kept(of: &str, target: &Target) -> Vec<Vec<u8>> {
    let Ok(entries) = std::fs::read_dir(folder(of, target)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("is listed").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("is a file")).collect()
}

/// Runs an input; one that breaks the target is kept.
fn run(target: &Target, input: &[u8]) -> Result<bool, PathBuf> {
    if let Ok(taken) = catch_unwind(AssertUnwindSafe(|| (target.run)(input))) {
        return Ok(taken);
    }
    let folder = folder("regressions", target);
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(format!("{:032x}", codec::series_id(&[("", &String::from_utf8_lossy(input))])));
    std::fs::write(&file, input).expect("writes");
    Err(file)
}

fn short_run(target: &Target) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64;
    let seed = number("SEED").unwrap_or(now);
    println!("{}: seed {seed}", target.name);
    let mut inputs = (target.seeds)();
    let refused = inputs.iter().position(|seed| !(target.run)(seed));
    assert!(refused.is_none(), "{}: seed input {refused:?} is refused", target.name);
    inputs.extend(kept("corpus", target));
    inputs.extend(kept("regressions", target));
    let random = &mut Random(seed);
    let changed = |random: &mut Random| mutate(&inputs, target.words, INPUT_BYTES_MAX, random);
    let changed = (0..number("FUZZ_CASES").unwrap_or(CASES)).map(|_| changed(random));
    let (mut ran, mut taken) = (0, 0);
    for input in inputs.iter().cloned().chain(changed.collect::<Vec<_>>()) {
        let result = run(target, &input);
        assert!(result.is_ok(), "{} breaks with seed {seed}; its input is kept: {result:?}", target.name);
        taken += u32::from(result == Ok(true));
        ran += 1;
    }
    println!("{}: {taken} of {ran} inputs were taken", target.name);
    // Else the inputs say nothing about what comes after the first check.
    assert!(taken > 0 && taken < ran, "{}: {taken} of {ran} inputs were taken", target.name);
}

macro_rules! short_runs {
    ($($name:ident),*) => {
        $(#[test]
        fn $name() {
            let target = TARGETS.iter().find(|target| target.name == stringify!($name));
            short_run(target.expect("a target of this name"));
        })*

        #[test]
        fn none_is_left_out() {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

short_runs!(remote_write, column_block, announcements, snapshot_files, snapshot_manifest, queries, events);
