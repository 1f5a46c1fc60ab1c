use paged::{Pages, Region, Tree};
use xxhash_rust::xxh3::Xxh3;

/// Digest of everything a shard keeps, whatever pages it lies in: the sum of the hashes of the entries.
pub fn digest(pages: &impl Pages) -> u128 {
    let mut sum = 0u128;
    for region in pool::REGIONS {
        sum = sum.wrapping_add(digest_tree(pages, region));
    }
    sum
}

fn digest_tree(pages: &impl Pages, region: Region) -> u128 {
    let mut sum = 0u128;
    let mut cursor = Tree::of(region).seek(pages, &[]);
    while let Some((key, value)) = cursor.next(pages) {
        let mut hash = Xxh3::new();
        hash.update(&[region.index() as u8]);
        hash.update(&(key.len() as u32).to_le_bytes());
        hash.update(key);
        if region == Region::InfrastructureState && key.first() == Some(&series::GROUP_TAG) {
            series::describe_group(pages, &value, |bytes| hash.update(bytes));
        } else {
            hash.update(&value);
        }
        sum = sum.wrapping_add(hash.digest128());
    }
    sum
}
