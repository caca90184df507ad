//! The real program, run as people run it.

mod by_hand;
mod demo;
mod help;
mod running;
mod serve;
mod settings;
mod shop;
