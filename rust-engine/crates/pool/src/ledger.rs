use crate::region::{REGIONS, Region};

/// Figures of one region, in pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegionUse {
    /// Its share of the pool.
    pub quota: u32,
    /// Pages in use by the region, borrowed ones included.
    pub used: u32,
    /// Pages of it that lie in the quota of others.
    pub borrowed: u32,
    /// Pages of its quota that others use.
    pub lent: u32,
    /// Pages that it could get now.
    pub available: u32,
}

/// Who uses whose quota. `loans[b][l]` counts the pages that region b borrowed from region l.
///
/// Invariants: used − borrowed + lent ≤ quota for every region, and borrowed ≤ its limit.
#[derive(Debug)]
pub struct Ledger {
    quota: [u32; 4],
    borrow_max: [u32; 4],
    used: [u32; 4],
    loans: [[u32; 4]; 4],
}

impl Ledger {
    pub(crate) fn new(quota: [u32; 4], borrow_max: [u32; 4]) -> Self {
        Self { quota, borrow_max, used: [0; 4], loans: [[0; 4]; 4] }
    }

    /// Pages that the region can get without anybody's eviction.
    pub fn available(&self, region: Region) -> u32 {
        self.limit(region).saturating_sub(self.used[region.index()]).min(self.free())
    }

    /// Pages that the region can hold when nobody else holds any.
    pub fn limit(&self, region: Region) -> u32 {
        let r = region.index();
        self.quota[r].saturating_add(self.borrow_max[r]).min(self.total())
    }

    /// Free pages of the whole pool.
    pub fn free(&self) -> u32 {
        self.quota.iter().sum::<u32>() - self.used.iter().sum::<u32>()
    }

    /// Pages of the whole pool.
    pub fn total(&self) -> u32 {
        self.quota.iter().sum()
    }

    /// Figures of a region.
    pub fn usage(&self, region: Region) -> RegionUse {
        let r = region.index();
        RegionUse {
            quota: self.quota[r],
            used: self.used[r],
            borrowed: self.borrowed(r),
            lent: self.lent(r),
            available: self.available(region),
        }
    }

    /// The region that borrowed most from `lender`.
    pub fn largest_borrower_of(&self, lender: Region) -> Option<Region> {
        let l = lender.index();
        REGIONS.into_iter().filter(|b| self.loans[b.index()][l] > 0).max_by_key(|b| self.loans[b.index()][l])
    }

    /// Books one page for a region that has `available` ≥ 1.
    pub(crate) fn take(&mut self, region: Region) {
        let r = region.index();
        if self.own_free(r) == 0 {
            self.call_loan_back(r);
        }
        if self.own_free(r) == 0 {
            let lender = self.lender_for(r);
            self.loans[r][lender] += 1;
        }
        self.used[r] += 1;
    }

    /// Books the return of one page; a debt is paid first.
    pub(crate) fn give(&mut self, region: Region) {
        let r = region.index();
        let neediest = (0..4).filter(|l| self.loans[r][*l] > 0).min_by_key(|l| self.own_free(*l));
        if let Some(lender) = neediest {
            self.loans[r][lender] -= 1;
        }
        self.used[r] -= 1;
    }

    fn borrowed(&self, r: usize) -> u32 {
        self.loans[r].iter().sum()
    }

    fn lent(&self, r: usize) -> u32 {
        self.loans.iter().map(|row| row[r]).sum()
    }

    fn own_free(&self, r: usize) -> u32 {
        self.quota[r] - (self.used[r] - self.borrowed(r)) - self.lent(r)
    }

    /// Moves one loan of region r to somebody who has a free page, so that r has one itself.
    fn call_loan_back(&mut self, r: usize) {
        let Some(borrower) = (0..4).find(|b| self.loans[*b][r] > 0) else { return };
        if self.own_free(borrower) > 0 {
            self.loans[borrower][r] -= 1;
            return;
        }
        if let Some(other) = (0..4).find(|l| *l != r && *l != borrower && self.own_free(*l) > 0) {
            self.loans[borrower][r] -= 1;
            self.loans[borrower][other] += 1;
        }
    }

    fn lender_for(&self, r: usize) -> usize {
        let lender = (0..4).filter(|l| *l != r).max_by_key(|l| self.own_free(*l)).unwrap_or(r);
        assert!(self.own_free(lender) > 0, "no lender although a page is available");
        lender
    }
}
