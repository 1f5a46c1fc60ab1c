use std::fmt;
use std::io;

/// Why a file is not used.
#[derive(Debug)]
pub enum Unusable {
    ForeignKey,
    Damaged(&'static str),
    Io(io::Error),
}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged("truncated"),
            _ => Self::Io(error),
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignKey => f.write_str("sealed with another key"),
            Self::Damaged(part) => write!(f, "damaged: {part}"),
            Self::Io(error) => error.fmt(f),
        }
    }
}
