//! Ids in Stripe's alphabet, the same for the same seed and the same calls.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

/// An object's id, shared by everything that points to it.
pub(crate) type Id = Arc<str>;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Where all chance in the sandbox comes from.
#[derive(Debug)]
pub(crate) struct Ids {
    dice: StdRng,
    drawn: u64,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self { dice: StdRng::seed_from_u64(seed), drawn: 0 }
    }

    /// How often chance was asked. Changes that are made again must ask as often as before.
    pub(crate) fn drawn(&self) -> u64 {
        self.drawn
    }

    /// `prefix` and as many random letters and digits as Stripe's ids of that kind have.
    pub(crate) fn next(&mut self, prefix: &str) -> Id {
        let length = match prefix {
            "prod_" | "cus_" | "req_" | "si_" => 14,
            "whsec_" => 32,
            "" => 16,
            _ => 24,
        };
        self.text(prefix, length).into()
    }

    /// The id of a session.
    pub(crate) fn session(&mut self) -> Id {
        self.text("cs_test_a1", 56).into()
    }

    /// `prefix` and `length` random letters and digits.
    pub(crate) fn text(&mut self, prefix: &str, length: usize) -> String {
        let mut text = String::with_capacity(prefix.len() + length);
        text.push_str(prefix);
        self.drawn += length as u64;
        for _ in 0..length {
            text.push(char::from(ALPHABET[self.dice.random_range(0..ALPHABET.len())]));
        }
        text
    }

    /// True once in a while: with the given probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.drawn += 1;
        self.dice.random_bool(probability.clamp(0.0, 1.0))
    }
}

/// Numbers requests: a counter in disguise, so that it needs no lock.
#[derive(Debug)]
pub(crate) struct RequestIds {
    seed: u64,
    count: AtomicU64,
}

impl RequestIds {
    /// A sandbox that starts again does not use the ids of its earlier lives.
    pub(crate) fn new(seed: u64, starts: u64) -> Self {
        Self { seed, count: AtomicU64::new(starts << 40) }
    }

    pub(crate) fn next(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut bits = u128::from(mixed(self.seed ^ count)) << 64
            | u128::from(mixed(!self.seed ^ count.rotate_left(32)));
        let mut id = String::from("req_");
        for _ in 0..14 {
            id.push(char::from(ALPHABET[usize::try_from(bits % 62).unwrap_or_default()]));
            bits /= 62;
        }
        id
    }
}

/// splitmix64's finalizer.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ value >> 31
}
