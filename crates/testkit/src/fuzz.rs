//! Properties that are tried until a time is over.
//!
//! Cargo's own fuzzer needs a nightly compiler, which neither users nor the build have; proptest runs on the stable one, shrinks what
//! it finds, and remembers it. What coverage would find, the strategies make up for: valid inputs, and near-valid mutations of them.

use std::fmt::Debug;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseResult, TestRunner};

/// How many seconds each target gets; one when it is not set.
const SECONDS: &str = "FUZZ_SECONDS";
/// Cases between two looks at the clock.
const BATCH: u32 = 256;

/// Tries `property` on values of `strategy` until the time is over, those first that failed before.
///
/// A failure prints its smallest case and its seed, and adds the seed to `tests/fuzz/regressions/NAME.txt`, to be committed.
pub fn fuzz<S>(name: &str, strategy: &S, property: impl Fn(S::Value) -> TestCaseResult)
where
    S: Strategy,
    S::Value: Debug,
{
    let budget = Duration::from_secs(std::env::var(SECONDS).map_or(1, |text| text.parse().unwrap()));
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/regressions");
    // proptest wants a path that lives for ever.
    let file = folder.join(format!("{name}.txt")).to_string_lossy().into_owned().leak();
    let config = Config {
        cases: BATCH,
        max_shrink_iters: 100_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(file))),
        ..Config::default()
    };
    let (start, mut cases) = (Instant::now(), 0);
    while cases == 0 || start.elapsed() < budget {
        if let Err(failure) = TestRunner::new(config.clone()).run(strategy, &property) {
            panic!("{name}, after {cases} cases: {failure}\nits seed is in {file}");
        }
        cases += u64::from(BATCH);
    }
    report(&format!("{name}: {cases} cases in {:.1} s", start.elapsed().as_secs_f64()));
}

#[allow(clippy::print_stderr, reason = "a test's output")]
fn report(line: &str) {
    eprintln!("{line}");
}

/// Texts that match a regular expression, which is read once and not again for each of them.
pub fn like(expression: &str) -> impl Strategy<Value = String> + Clone + use<> {
    prop::string::string_regex(expression).expect("a valid expression").boxed()
}

/// Anything: bytes read as text, characters of every script and plane, control characters.
pub fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80)
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        prop::collection::vec(any::<char>(), 0..40).prop_map(String::from_iter),
        like("[ -~]{0,60}"),
    ]
}

/// What `valid` makes, and that with up to three characters changed, put in, left out or said twice; those put in are often `telling`.
pub fn mutated(
    valid: impl Strategy<Value = String> + 'static,
    telling: &'static [&'static str],
) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(telling).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    let edit = (0..4_u8, any::<Index>(), piece);
    (valid, prop::collection::vec(edit, 0..=3)).prop_map(|(text, edits)| {
        edits.into_iter().fold(text, |text, (kind, place, piece)| apply(&text, kind, place, &piece))
    })
}

fn apply(text: &str, kind: u8, place: Index, piece: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let (before, after) = characters.split_at(place.index(characters.len() + 1));
    let rest = after.get(1..).unwrap_or_default();
    let parts: [String; 3] = match kind {
        0 => [before.iter().collect(), piece.to_owned(), after.iter().collect()],
        1 => [before.iter().collect(), piece.to_owned(), rest.iter().collect()],
        2 => [before.iter().collect(), String::new(), rest.iter().collect()],
        _ => [before.iter().collect(), after.iter().collect(), after.iter().collect()],
    };
    parts.concat()
}
