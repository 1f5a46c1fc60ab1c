//! Sealed snapshot files
