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
/// Invariants: used − borrowed + lent + own free = quota for every region, and used ≤ its limit. What a page taken or given
/// back needs is kept beside the loans, so that it costs no sum.
#[derive(Debug)]
pub struct Ledger {
    quota: [u32; 4],
    /// Quota and what may be borrowed, at most the pool.
    limit: [u32; 4],
    used: [u32; 4],
    loans: [[u32; 4]; 4],
    /// Row sums of the loans.
    borrowed: [u32; 4],
    /// Pages of the own quota that nobody uses.
    own_free: [u32; 4],
    /// Sum of the above.
    free: u32,
}

impl Ledger {
    pub(crate) fn new(quota: [u32; 4], borrow_max: [u32; 4]) -> Self {
        let total = quota.iter().sum();
        let limit = std::array::from_fn(|r| quota[r].saturating_add(borrow_max[r]).min(total));
        Self { quota, limit, used: [0; 4], loans: [[0; 4]; 4], borrowed: [0; 4], own_free: quota, free: total }
    }

    /// Pages that the region can get without anybody's eviction.
    #[inline]
    pub fn available(&self, region: Region) -> u32 {
        (self.limit[region.index()] - self.used[region.index()]).min(self.free)
    }

    /// Pages that the region can hold when nobody else holds any.
    pub fn limit(&self, region: Region) -> u32 {
        self.limit[region.index()]
    }

    /// Free pages of the whole pool.
    pub fn free(&self) -> u32 {
        self.free
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
            borrowed: self.borrowed[r],
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
    #[inline]
    pub(crate) fn take(&mut self, region: Region) {
        let r = region.index();
        if self.own_free[r] == 0 {
            self.borrow_or_call_back(r);
        } else {
            self.own_free[r] -= 1;
        }
        self.used[r] += 1;
        self.free -= 1;
    }

    /// Books the return of one page; a debt is paid first, to the lender that has least left.
    #[inline]
    pub(crate) fn give(&mut self, region: Region) {
        let r = region.index();
        if self.borrowed[r] == 0 {
            self.own_free[r] += 1;
        } else {
            self.repay(r);
        }
        self.used[r] -= 1;
        self.free += 1;
    }

    fn lent(&self, r: usize) -> u32 {
        self.loans.iter().map(|row| row[r]).sum()
    }

    /// A page of the own quota that somebody can do without, else one of another region.
    #[cold]
    fn borrow_or_call_back(&mut self, r: usize) {
        self.call_loan_back(r);
        if self.own_free[r] > 0 {
            self.own_free[r] -= 1;
            return;
        }
        let lender = (0..4).filter(|l| *l != r).max_by_key(|l| self.own_free[*l]).unwrap_or(r);
        assert!(self.own_free[lender] > 0, "no lender although a page is available");
        self.loans[r][lender] += 1;
        self.borrowed[r] += 1;
        self.own_free[lender] -= 1;
    }

    #[cold]
    fn repay(&mut self, r: usize) {
        let neediest = (0..4).filter(|l| self.loans[r][*l] > 0).min_by_key(|l| self.own_free[*l]).unwrap_or(r);
        self.loans[r][neediest] -= 1;
        self.borrowed[r] -= 1;
        self.own_free[neediest] += 1;
    }

    /// Moves one loan of region r to somebody who has a free page, so that r has one itself.
    fn call_loan_back(&mut self, r: usize) {
        let Some(borrower) = (0..4).find(|b| self.loans[*b][r] > 0) else { return };
        let other = (0..4).find(|l| *l != r && *l != borrower && self.own_free[*l] > 0);
        if self.own_free[borrower] > 0 {
            self.own_free[borrower] -= 1;
            self.borrowed[borrower] -= 1;
        } else if let Some(other) = other {
            self.own_free[other] -= 1;
            self.loans[borrower][other] += 1;
        } else {
            return;
        }
        self.loans[borrower][r] -= 1;
        self.own_free[r] += 1;
    }
}
