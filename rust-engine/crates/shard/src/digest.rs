use paged::{Pages, Region, Tree};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// Digest of everything a shard keeps, whatever pages it lies in: the sum of the hashes of the entries, and of the series and
/// samples in place of the entries that they are kept in.
pub fn digest(pages: &impl Pages) -> u128 {
    let mut sum = 0u128;
    series::describe(pages, |item| sum = sum.wrapping_add(xxh3_128(item)));
    for region in pool::REGIONS {
        sum = sum.wrapping_add(digest_tree(pages, region));
    }
    sum
}

fn digest_tree(pages: &impl Pages, region: Region) -> u128 {
    let mut sum = 0u128;
    let mut cursor = Tree::of(region).seek(pages, &[]);
    while let Some((key, value)) = cursor.next(pages) {
        if region == Region::InfrastructureState && series::is_own(key) {
            continue;
        }
        let mut hash = Xxh3::new();
        hash.update(&[region.index() as u8]);
        hash.update(&(key.len() as u32).to_le_bytes());
        hash.update(key);
        hash.update(&value);
        sum = sum.wrapping_add(hash.digest128());
    }
    sum
}
