//! The library (door to come).
pub mod clock;
pub mod stripe;
