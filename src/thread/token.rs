//! Tokens: numbers under which threads and locks count plainly.
//!
//! A token is never given twice, since an object may carry it for as long as it lives (C10, R8). Tokens have their top bit
//! set, so that neither a merged object nor a link in a dead one looks like somebody's.

use crate::sync::{Ordering::Relaxed, OwnU32};

/// The least of the words in an object's `owner` that are nobody's token: sentinels, see [`crate::object::header`].
pub const SPECIAL: u32 = 0xFFFF_FFF0;
/// The token of threads for which there was none left. They own nothing, their objects are born merged (C10).
pub const NOBODY: u32 = 0xFFFF_FFFB;

static NEXT: OwnU32 = OwnU32::new(1 << 31);

/// A token that nobody had. After 2^31 of them NOBODY, for whoever comes: attached, but owner of nothing.
pub fn fresh() -> u32 {
    draw(&NEXT)
}

fn draw(next: &OwnU32) -> u32 {
    let drawn = next.fetch_update(Relaxed, Relaxed, |token| (token < SPECIAL).then_some(token + 1));
    drawn.unwrap_or(NOBODY)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R8: none comes again.
    #[test]
    fn tokens_end_where_the_sentinels_begin() {
        let next = OwnU32::new(SPECIAL - 2);
        assert_eq!([(); 4].map(|()| draw(&next)), [SPECIAL - 2, SPECIAL - 1, NOBODY, NOBODY]);
    }
}
