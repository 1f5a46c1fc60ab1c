use crate::{PAGE_BYTES, Page, PoolError};
use std::ptr::NonNull;

/// Miri's mmap knows no other flag than these two.
const FLAGS: libc::c_int = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | if cfg!(miri) { 0 } else { libc::MAP_NORESERVE };

/// An anonymous private map that lives as long as this value.
///
/// Invariant: `start` points to `bytes` mapped, readable and writable bytes, page-aligned, which nothing else refers to.
#[derive(Debug)]
pub(crate) struct Map {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the map is plain memory without thread affinity, and `Map` is its only owner; shared access is by `&self` and read-only.
unsafe impl Send for Map {}
// SAFETY: as above: `&Map` gives read access only, `&mut Map` is exclusive.
unsafe impl Sync for Map {}

impl Map {
    pub fn open(bytes: usize) -> Result<Self, PoolError> {
        // SAFETY: a new anonymous map at an address of the kernel's choice touches no memory of ours; the result is checked.
        let start =
            unsafe { libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, FLAGS, -1, 0) };
        let refused =
            || PoolError::MapRefused { bytes, code: std::io::Error::last_os_error().raw_os_error().unwrap_or(0) };
        if start == libc::MAP_FAILED {
            return Err(refused());
        }
        let start = NonNull::new(start.cast::<u8>()).ok_or_else(refused)?;
        #[cfg(all(target_os = "linux", not(miri)))]
        // SAFETY: the range is exactly the map made above. Huge pages would make a page touched cost 2 MiB; failing is harmless.
        unsafe {
            libc::madvise(start.as_ptr().cast(), bytes, libc::MADV_NOHUGEPAGE);
        }
        Ok(Self { start, bytes })
    }

    #[inline]
    pub fn page(&self, n: u32) -> &Page {
        let offset = self.offset(n, 1);
        // SAFETY: `offset` checked that the page lies inside the map; any bytes are a valid [u8; N]; `&self` forbids writers.
        unsafe { &*self.start.as_ptr().add(offset).cast() }
    }

    #[inline]
    pub fn page_mut(&mut self, n: u32) -> &mut Page {
        let offset = self.offset(n, 1);
        // SAFETY: inside the map as above; `&mut self` is the only reference into it.
        unsafe { &mut *self.start.as_ptr().add(offset).cast() }
    }

    /// Gives the memory of a run of pages back; they read as zero afterwards.
    pub fn release(&mut self, first: u32, length: u32) {
        let offset = self.offset(first, length);
        let bytes = length as usize * PAGE_BYTES;
        // SAFETY: the run lies inside the map and `&mut self` proves that nothing refers to it; DONTNEED on a private anonymous
        // map drops the pages, which are zero when touched again. Miri knows no advice.
        let dropped = !cfg!(miri)
            && unsafe { libc::madvise(self.start.as_ptr().add(offset).cast(), bytes, libc::MADV_DONTNEED) == 0 };
        if !dropped {
            // The caller counts on zeroed pages.
            let from = first as usize;
            for n in from..from + length as usize {
                self.page_mut(n as u32).fill(0);
            }
        }
    }

    #[inline]
    fn offset(&self, first: u32, length: u32) -> usize {
        let start = first as usize * PAGE_BYTES;
        assert!(start + length as usize * PAGE_BYTES <= self.bytes, "page {first} is outside of the map");
        start
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: unmaps exactly what `open` mapped; no reference outlives `self`.
        unsafe {
            libc::munmap(self.start.as_ptr().cast(), self.bytes);
        }
    }
}
