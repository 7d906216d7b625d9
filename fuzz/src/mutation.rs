//! Inputs from seeds: a few changes to one of them, or to two of them together.

/// Longest input, in bytes.
const MOST_BYTES: usize = 4_096;
/// Most changes of one input.
const MOST_CHANGES: u64 = 6;

/// Numbers that readers of lengths stumble over.
const EDGES: [u32; 12] = [0, 1, 2, 3, 4, 0x7F, 0xFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF];

/// A source of numbers that gives the same ones again (xorshift).
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// Numbers of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Draw {
        Draw(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `limit`, 0 when that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        if limit == 0 { 0 } else { (self.draw() % limit as u64) as usize }
    }
}

/// One input made from the seeds. `words` are pieces that mean something in the format.
#[must_use]
pub fn input(draw: &mut Draw, seeds: &[Vec<u8>], words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = seeds.get(draw.below(seeds.len())).cloned().unwrap_or_default();
    for _ in 0..=draw.draw() % MOST_CHANGES {
        change(draw, &mut bytes, seeds, words);
    }
    bytes.truncate(MOST_BYTES);
    bytes
}

fn change(draw: &mut Draw, bytes: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&[u8]]) {
    let at = draw.below(bytes.len() + 1);
    match draw.below(10) {
        0 => bytes.truncate(at),
        1 => {
            let end = (at + draw.below(16)).min(bytes.len());
            bytes.drain(at..end);
        }
        2 => {
            let added: Vec<u8> = (0..draw.below(16)).map(|_| draw.draw() as u8).collect();
            bytes.splice(at..at, added);
        }
        3 | 4 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << draw.below(8);
            }
        }
        5 => {
            let number = EDGES[draw.below(EDGES.len())];
            let at = at & !3;
            if let Some(place) = bytes.get_mut(at..at + 4) {
                place.copy_from_slice(&number.to_le_bytes());
            }
        }
        6 => {
            let other = seeds.get(draw.below(seeds.len())).cloned().unwrap_or_default();
            let from = draw.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        7 => {
            let end = (at + draw.below(64)).min(bytes.len());
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        _ => {
            let word = words.get(draw.below(words.len())).copied().unwrap_or_default();
            bytes.splice(at..at, word.iter().copied());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_inputs_again_and_many_different_ones() {
        let seeds = vec![b"abcdefgh".to_vec(), vec![0; 40]];
        let run = |seed| {
            let mut draw = Draw::new(seed);
            (0..200).map(|_| input(&mut draw, &seeds, &[b"word"])).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        let different: std::collections::BTreeSet<_> = run(7).into_iter().collect();
        assert!(different.len() > 100, "{}", different.len());
        assert!(run(8).iter().all(|input| input.len() <= MOST_BYTES));
        let mut draw = Draw::new(0);
        assert_eq!(draw.below(0), 0);
        let _ = input(&mut draw, &[], &[]);
    }
}
