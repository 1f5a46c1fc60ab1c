//! Numbers compressed by pco, in its wrapped form: the header and length that a file of its own would have are left out,
//! about a dozen bytes for each chunk.

use pco::ChunkConfig;
use pco::data_types::Number;
use pco::wrapped::{FileCompressor, FileDecompressor};

/// How much the compressor tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// On the event loop, for what is merged soon: a third less time.
    Quick,
    /// For what stays.
    Thorough,
}

impl Effort {
    /// Of pco's 12, by measurement: see benches/README.md.
    fn level(self) -> usize {
        match self {
            Self::Quick => 4,
            Self::Thorough => 8,
        }
    }
}

pub fn pack<N: Number>(numbers: &[N], effort: Effort) -> Vec<u8> {
    let config = ChunkConfig::default().with_compression_level(effort.level());
    let file = FileCompressor::default();
    let mut bytes = Vec::with_capacity(64);
    let mut write = || -> pco::errors::PcoResult<()> {
        file.write_header(&mut bytes)?;
        let mut chunk = file.chunk_compressor(numbers, &config)?;
        chunk.write_meta(&mut bytes)?;
        chunk.write_page(0, &mut bytes)?;
        Ok(())
    };
    write().expect("numbers in memory compress");
    bytes
}

/// So many numbers as were packed.
pub fn unpack<N: Number>(bytes: &[u8], count: usize) -> Vec<N> {
    let mut numbers = vec![N::default(); count];
    let mut read = || -> pco::errors::PcoResult<()> {
        let (file, rest) = FileDecompressor::new(bytes)?;
        let (mut chunk, rest) = file.chunk_decompressor::<N, _>(rest)?;
        chunk.page_decompressor(rest, count)?.read(&mut numbers)?;
        Ok(())
    };
    read().expect("a stored chunk decompresses");
    numbers
}
