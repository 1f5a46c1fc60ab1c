//! Conditions on labels, with the meaning that they have in Prometheus.

use crate::SeriesError;
use regex_automata::meta;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::literal::Extractor;
use regex_syntax::hir::{Hir, Look};
use serde::Deserialize;

/// Bytes of a pattern.
const PATTERN_BYTES_MAX: usize = 4096;
/// How deep a pattern nests.
const NEST_MAX: u32 = 100;
/// Bytes of a compiled pattern, and of what it remembers between values.
const COMPILED_BYTES_MAX: usize = 1 << 20;
/// Alternatives that are looked up instead of tried.
const ALTERNATIVES_MAX: usize = 256;

/// A condition on a label; a label that a series does not have is empty.
#[derive(Clone, Debug, Deserialize)]
pub struct Matcher {
    /// Label.
    pub name: String,
    /// What is asked of its value.
    pub op: MatchOp,
    /// Value, or a pattern for the whole value.
    pub value: String,
}

/// Kind of a condition.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum MatchOp {
    #[serde(rename = "=")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
    #[serde(rename = "=~")]
    Like,
    #[serde(rename = "!~")]
    Unlike,
}

/// What a value is tested by.
#[derive(Debug)]
pub enum Test {
    /// It is one of these.
    In(Vec<String>),
    /// It fits a pattern, thus begins with a text.
    Pattern {
        /// The compiled pattern; it spans the whole value.
        regex: Box<meta::Regex>,
        /// What all that fits begins with.
        beginning: String,
    },
}

impl Test {
    /// True for a value that passes.
    pub fn passes(&self, value: &str) -> bool {
        match self {
            Self::In(values) => values.iter().any(|one| one == value),
            Self::Pattern { regex, .. } => regex.is_match(value),
        }
    }
}

/// A matcher that was checked. Either only series that have the label with one of the `chosen` values fit, or only series
/// that do not.
#[derive(Debug)]
pub struct Condition {
    /// Label.
    pub name: String,
    /// A value is chosen when it passes this test, or when it does not.
    pub test: Test,
    /// Chosen are the values that do not pass.
    pub chosen_fail: bool,
    /// Series with a chosen value fit; else those without one.
    pub wants_chosen: bool,
}

impl Condition {
    /// Checks a matcher; `number`: its place in the query, for the error.
    pub fn of(matcher: &Matcher, number: usize) -> Result<Self, SeriesError> {
        let is_pattern = matches!(matcher.op, MatchOp::Like | MatchOp::Unlike);
        let test = if is_pattern {
            compile(&matcher.value).map_err(|reason| SeriesError::MatcherInvalid { number, reason })?
        } else {
            Test::In(vec![matcher.value.clone()])
        };
        let negates = matches!(matcher.op, MatchOp::NotEqual | MatchOp::Unlike);
        // A label that is missing is empty. Chosen are always values that an empty one is not among.
        let empty_passes = test.passes("");
        Ok(Self { name: matcher.name.clone(), test, chosen_fail: empty_passes, wants_chosen: empty_passes == negates })
    }

    /// True for a value that is chosen.
    pub fn chooses(&self, value: &str) -> bool {
        self.test.passes(value) != self.chosen_fail
    }

    /// The values that are chosen, where they are few.
    pub fn listed(&self) -> Option<&[String]> {
        match &self.test {
            Test::In(values) if !self.chosen_fail => Some(values),
            _ => None,
        }
    }

    /// What all chosen values begin with.
    pub fn beginning(&self) -> &str {
        match &self.test {
            Test::Pattern { beginning, .. } if !self.chosen_fail => beginning,
            _ => "",
        }
    }
}

/// Compiles a pattern; a refusal tells where and why.
fn compile(pattern: &str) -> Result<Test, String> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(format!("a pattern of {} bytes, at most {PATTERN_BYTES_MAX}", pattern.len()));
    }
    let mut parser = ParserBuilder::new().dot_matches_new_line(true).nest_limit(NEST_MAX).build();
    let hir = parser.parse(pattern).map_err(|error| where_and_why(pattern, &error))?;
    let plain = hir.properties().look_set().is_empty();
    let mut extractor = Extractor::new();
    let literals = extractor.limit_total(ALTERNATIVES_MAX).limit_literal_len(PATTERN_BYTES_MAX).extract(&hir);
    if plain && literals.is_exact() && literals.is_finite() {
        let texts = literals.literals().into_iter().flatten();
        let values: Option<Vec<String>> =
            texts.map(|literal| String::from_utf8(literal.as_bytes().to_vec()).ok()).collect();
        if let Some(values) = values {
            return Ok(Test::In(values));
        }
    }
    let shared = if plain { literals.longest_common_prefix().unwrap_or_default() } else { &[] };
    let beginning = String::from_utf8_lossy(shared);
    // Half a character at the end would be replaced by one that no value has.
    let beginning = beginning.trim_end_matches(char::REPLACEMENT_CHARACTER).to_owned();
    let whole = Hir::concat(vec![Hir::look(Look::Start), hir, Hir::look(Look::End)]);
    let config = meta::Config::new()
        .nfa_size_limit(Some(COMPILED_BYTES_MAX))
        .onepass_size_limit(Some(COMPILED_BYTES_MAX))
        .hybrid_cache_capacity(COMPILED_BYTES_MAX);
    let regex = meta::Builder::new().configure(config).build_from_hir(&whole).map_err(|error| {
        error.size_limit().map_or_else(|| error.to_string(), |most| format!("compiles to more than {most} bytes"))
    })?;
    Ok(Test::Pattern { regex: Box::new(regex), beginning })
}

fn where_and_why(pattern: &str, error: &regex_syntax::Error) -> String {
    let (span, why) = match error {
        regex_syntax::Error::Parse(error) => (*error.span(), error.kind().to_string()),
        regex_syntax::Error::Translate(error) => (*error.span(), error.kind().to_string()),
        other => return other.to_string(),
    };
    let at = pattern[..span.start.offset].chars().count() + 1;
    let part: String = pattern[span.start.offset..span.end.offset].chars().take(20).collect();
    if part.is_empty() { format!("{why} at character {at}") } else { format!("{why} at character {at}: {part}") }
}

#[cfg(test)]
mod tests {
    use super::{COMPILED_BYTES_MAX, Condition, MatchOp, Matcher, Test, compile};

    fn condition(op: MatchOp, value: &str) -> Condition {
        let matcher = Matcher { name: "a".to_owned(), op, value: value.to_owned() };
        Condition::of(&matcher, 0).expect("valid")
    }

    fn pattern(pattern: &str) -> Test {
        compile(pattern).expect("valid")
    }

    #[test]
    fn alternatives_of_plain_texts_are_looked_up() {
        let Test::In(values) = pattern("node-(a|b[12])|") else { unreachable!("exact") };
        assert_eq!(values, ["node-a", "node-b1", "node-b2", ""]);
        assert!(matches!(pattern("(?i)node"), Test::In(values) if values.len() == 16));
        assert!(matches!(pattern("a|^b"), Test::Pattern { beginning, .. } if beginning.is_empty()));
        assert!(matches!(pattern("nöd.*"), Test::Pattern { beginning, .. } if beginning == "nöd"));
        assert!(matches!(pattern("node[é-ê]x*"), Test::Pattern { beginning, .. } if beginning == "node"));
    }

    #[test]
    fn a_pattern_spans_the_value_and_a_dot_is_any_character() {
        assert!(pattern("a.c").passes("a\nc"));
        assert!(!pattern("b.").passes("abc"));
        assert!(pattern("a|b.*").passes("bcd"));
        assert!(!pattern("a|b+").passes("bcd"));
        assert!(pattern("(?x) a+ # one or more").passes("aa"));
        assert!(pattern(".*").passes(""));
        assert!(!pattern(".+").passes(""));
        assert!(pattern("(?-s:a.)").passes("ab"));
        assert!(!pattern("(?-s:a.)").passes("a\n"));
    }

    #[test]
    fn a_refusal_tells_where_and_why() {
        assert_eq!(compile("é(b").expect_err("open"), "unclosed group at character 2: (");
        assert!(compile("a{2,1}").expect_err("range").contains("at character 2"));
        assert!(compile(r"(?=a)").expect_err("look-ahead").contains("look-around"));
        let large = compile("(a{1000}){1000}").expect_err("large");
        assert_eq!(large, format!("compiles to more than {COMPILED_BYTES_MAX} bytes"));
        assert!(compile(&"a".repeat(5_000)).expect_err("long").contains("5000 bytes"));
        assert!(compile(&"(".repeat(1_000)).is_err());
    }

    #[test]
    fn chosen_values_are_never_empty() {
        use MatchOp::{Equal, Like, NotEqual, Unlike};
        for (op, value) in [(Equal, ""), (NotEqual, ""), (Like, ".*"), (Unlike, "a?"), (Like, "a|"), (Unlike, "b")] {
            assert!(!condition(op, value).chooses(""), "{op:?} {value}");
        }
        assert!(condition(NotEqual, "").wants_chosen && condition(NotEqual, "").chooses("x"));
        assert!(!condition(Equal, "").wants_chosen && condition(Equal, "").chooses("x"));
        assert!(!condition(Like, "a|").wants_chosen && !condition(Like, "a|").chooses("a"));
        assert!(condition(Equal, "a").listed().is_some() && condition(NotEqual, "a").listed().is_some());
        assert!(condition(Like, "a|").listed().is_none());
    }
}
