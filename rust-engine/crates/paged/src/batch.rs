use crate::{PageNo, Region};

/// Pages on their way from one place to another: places and bytes one after the other.
#[derive(Debug, Default)]
pub struct Batch {
    /// Number and region of each page.
    pub places: Vec<(PageNo, Region)>,
    /// Their bytes.
    pub pages: Vec<u8>,
}
