//! Rows that their groups have not counted yet.
//!
//! A host has thousands of groups, more than a cache holds, and their rows come in no order: counting one row after the other would wait
//! for memory with each. So rows are gathered and counted group by group.

use super::group::{Group, Row};

/// Rows that are gathered, at most.
const MOST: usize = 1 << 14;

/// Rows with the numbers of their groups, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Pending {
    rows: Vec<(u32, Row)>,
    /// Their places in the order of the groups; kept so that it need not be allocated anew.
    ordered: Vec<u32>,
}

impl Pending {
    /// Adds a row; whether it is time to count.
    #[inline]
    pub fn push(&mut self, group: u32, row: Row) -> bool {
        self.rows.push((group, row));
        self.rows.len() >= MOST
    }

    /// Lets the groups count their rows, one group after the other, each in the order in which its rows came.
    pub fn count(&mut self, groups: &mut [Group]) {
        let starts = self.starts(groups.len());
        self.order(starts);
        for place in &self.ordered {
            if let Some((number, row)) = self.rows.get(*place as usize)
                && let Some(group) = groups.get_mut(*number as usize)
            {
                group.count(row);
            }
        }
        self.rows.clear();
    }

    /// Where the rows of each group begin once they are in order: behind all rows of the groups before.
    fn starts(&self, groups: usize) -> Vec<u32> {
        let mut starts = vec![0; groups + 1];
        for (group, _) in &self.rows {
            if let Some(next) = starts.get_mut(*group as usize + 1) {
                *next += 1;
            }
        }
        let mut before = 0;
        for start in &mut starts {
            before += *start;
            *start = before;
        }
        starts
    }

    fn order(&mut self, mut starts: Vec<u32>) {
        self.ordered.clear();
        self.ordered.resize(self.rows.len(), 0);
        for (place, (group, _)) in self.rows.iter().enumerate() {
            if let Some(start) = starts.get_mut(*group as usize) {
                if let Some(next) = self.ordered.get_mut(*start as usize) {
                    *next = place as u32;
                }
                *start += 1;
            }
        }
    }
}
