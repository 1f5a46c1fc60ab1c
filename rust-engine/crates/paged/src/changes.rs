use crate::{Page, PageNo, PageSet, Region, Ring};
use std::sync::Arc;

/// Which pages changed since the last cut, and which ones a running cut still has to copy.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    since_cut: PageSet,
    cut: Option<Cut>,
}

#[derive(Debug)]
struct Cut {
    /// What had changed when it was made: changed again when it comes to nothing.
    changed: PageSet,
    /// Pages not copied yet; they are as at the cut.
    pending: PageSet,
    from: PageNo,
    ring: Arc<Ring>,
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.ring.no_slice_comes();
    }
}

impl Changes {
    pub fn since_cut(&self) -> &PageSet {
        &self.since_cut
    }

    /// Notes a change; tells whether the page must be copied first.
    pub fn note(&mut self, n: PageNo) -> Option<&Ring> {
        self.since_cut.insert(n);
        let cut = self.cut.as_mut()?;
        cut.pending.remove(n).then_some(&*cut.ring)
    }

    /// Starts a cut that has to copy `pending`.
    pub fn begin(&mut self, pending: PageSet, ring: Arc<Ring>) {
        assert!(self.cut.is_none(), "one cut at a time");
        let changed = std::mem::take(&mut self.since_cut);
        self.cut = Some(Cut { changed, pending, from: 0, ring });
    }

    /// Copies up to `most` of the pages that a running cut still needs, as far as the ring has room.
    pub fn copy_some<'a>(&mut self, most: u32, page: impl Fn(PageNo) -> (Region, &'a Page)) {
        let Some(cut) = &mut self.cut else { return };
        for _ in 0..most {
            let Some(n) = cut.pending.next_from(cut.from) else { break };
            let (region, bytes) = page(n);
            if !cut.ring.try_push(n, region, bytes) {
                break;
            }
            cut.pending.remove(n);
            cut.from = n;
        }
        cut.ring.slice_came(cut.pending.count() == 0);
    }

    /// Ends a cut. When nothing was written, what it held counts as changed again.
    pub fn end(&mut self, written: bool) {
        let Some(cut) = self.cut.take() else { return };
        if !written {
            self.since_cut.extend(&cut.changed);
        }
    }
}
